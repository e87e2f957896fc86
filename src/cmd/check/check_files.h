/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check_files: checks the certificates, keys and credentials of a
 * configuration, as `run` and the other end will check them.
 *
 * The checks are the same on every host.  Only root can read the keeper's
 * files; other users are told that these were not checked.
 */
#ifndef CHECK_FILES_H
#define CHECK_FILES_H

#include "cmd/check/check_report.h"

void check_files(struct check_report *report);

#endif /* CHECK_FILES_H */
