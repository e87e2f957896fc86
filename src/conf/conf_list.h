/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf_list: values that are lists: addresses, networks, domains, names.  Each
 * value at most once, and as many as the row of the key allows.
 *
 * A part of conf_types.c.
 */
#ifndef CONF_LIST_H
#define CONF_LIST_H

#include "conf/conf_types.h"

conf_types_parse_fn conf_list_parse_prefixes, conf_list_parse_domains,
    conf_list_parse_names;
conf_types_print_fn conf_list_print_prefixes, conf_list_print_names;

#endif /* CONF_LIST_H */
