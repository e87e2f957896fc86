/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf_list: values that are lists: addresses, networks, domains, names.  Each
 * at most once, and no more of them than their key's row says.
 *
 * Types of conf_types.c, of which they are a part.
 */
#ifndef CONF_LIST_H
#define CONF_LIST_H

#include "conf/conf_types.h"

conf_types_parse_fn conf_list_parse_prefixes, conf_list_parse_domains,
    conf_list_parse_names;
conf_types_print_fn conf_list_print_prefixes, conf_list_print_names;

#endif /* CONF_LIST_H */
