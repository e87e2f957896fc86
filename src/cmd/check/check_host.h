/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check_host: checks that this host has what a configuration needs.
 *
 * Changes nothing.  If a daemon of this configuration runs, what it uses
 * (ports, the device) counts as free.
 */
#ifndef CHECK_HOST_H
#define CHECK_HOST_H

#include "cmd/check/check_report.h"

/* `owner`: the configuration's file, as named by conf_socket_resolve(). */
void check_host(struct check_report *report, const char *owner);

#endif /* CHECK_HOST_H */
