/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bridge: layer 2: learn where an address is, look up where one goes, choose
 * the ports (IEEE 802.1Q 8.6 to 8.8, without spanning tree).
 */
#ifndef BRIDGE_H
#define BRIDGE_H

#include "datapath/drop.h"
#include "base/frame.h"

struct port;
struct worker;

enum drop bridge_forward(struct worker *worker, struct port *from,
    struct frame *frame);

#endif /* BRIDGE_H */
