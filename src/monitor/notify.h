/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * notify: tells the service manager how far we are (sd_notify(3), by hand).
 */
#ifndef NOTIFY_H
#define NOTIFY_H

/* "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=...", several by lines; nothing happens without $NOTIFY_SOCKET. */
void notify_send(const char *state);

#endif /* NOTIFY_H */
