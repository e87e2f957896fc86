/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sd_notify: notifies the service manager, as sd_notify(3) does, without its
 * library.
 */
#ifndef SD_NOTIFY_H
#define SD_NOTIFY_H

/*
 * Sends "READY=1", "STOPPING=1", "WATCHDOG=1" or "STATUS=...", several as
 * lines.  Does nothing without $NOTIFY_SOCKET.
 */
void sd_notify_send(const char *state);

#endif /* SD_NOTIFY_H */
