/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf_endpoint: values that are endpoints: the hubs and the proxy of a site,
 * and the addresses that a hub listens on.
 *
 * A part of conf_types.c.
 */
#ifndef CONF_ENDPOINT_H
#define CONF_ENDPOINT_H

#include "conf/conf_types.h"

#define CONF_ENDPOINT_MAX_HOST 253

/*
 * Servers and listens fill two members of struct conf, so `at` is the whole
 * struct.
 */
conf_types_parse_fn conf_endpoint_parse_server, conf_endpoint_parse_proxy,
    conf_endpoint_parse_listen;
conf_types_print_fn conf_endpoint_print_server, conf_endpoint_print_proxy,
    conf_endpoint_print_listen;

#endif /* CONF_ENDPOINT_H */
