/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * roles: the entry of "tombolo _ROLE": the daemon's other processes, which the
 * monitor starts by executing this binary again (proc.h).
 */
#ifndef ROLES_H
#define ROLES_H

/* argv[1] is "_ROLE".  Returns the exit status. */
int roles_main(int argc, char **argv);

#endif /* ROLES_H */
