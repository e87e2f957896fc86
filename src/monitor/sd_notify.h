/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sd_notify: tells the service manager how far we are (sd_notify(3), by hand).
 */
#ifndef SD_NOTIFY_H
#define SD_NOTIFY_H

/* "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=...", several by lines; nothing happens without $NOTIFY_SOCKET. */
void sd_notify_send(const char *state);

#endif /* SD_NOTIFY_H */
