/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check_host: whether this host has what a configuration asks of it.
 *
 * Looks, and changes nothing: where a daemon of this configuration runs, what
 * it holds (ports, the device) is taken for free.
 */
#ifndef CHECK_HOST_H
#define CHECK_HOST_H

#include "cmd/check/check_report.h"

/* `owner`: the configuration's file, as conf_socket_resolve() names it. */
void check_host(struct check_report *report, const char *owner);

#endif /* CHECK_HOST_H */
