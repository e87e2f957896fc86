# SPDX-License-Identifier: GPL-2.0-or-later
DESC="no VPN: the veth pair itself, with segmentation offload (64 kB skbs); the ceiling"
peer_up() { OA=$UA OB=$UB; client_starts; }
