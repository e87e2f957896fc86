/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check_files: the certificates, keys and credentials of a configuration, as
 * `run` and the other end will judge them.
 *
 * They are the same on every host.  The keeper's own need root to be read: who
 * is not root is told that they were not looked at.
 */
#ifndef CHECK_FILES_H
#define CHECK_FILES_H

#include "cmd/check/check_report.h"

void check_files(struct check_report *report);

#endif /* CHECK_FILES_H */
