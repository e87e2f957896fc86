/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf_endpoint: values that say where something is: the servers and the proxy
 * of a client, and what a server listens on.
 *
 * Types of conf_types.c, of which they are a part.
 */
#ifndef CONF_ENDPOINT_H
#define CONF_ENDPOINT_H

#include "conf/conf_types.h"

#define CONF_ENDPOINT_MAX_HOST 253

/* Servers and listens are at two members of struct conf: `at` is all of it. */
conf_types_parse_fn conf_endpoint_parse_server, conf_endpoint_parse_proxy,
    conf_endpoint_parse_listen;
conf_types_print_fn conf_endpoint_print_server, conf_endpoint_print_proxy,
    conf_endpoint_print_listen;

#endif /* CONF_ENDPOINT_H */
