/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * site_change: changes the files of an existing site: `site set`, `disable`,
 * `enable` and `remove`.
 *
 * disable and remove work whatever else is wrong with the configuration: they
 * may be what fixes it.
 */
#ifndef SITE_CHANGE_H
#define SITE_CHANGE_H

#include "cmd/site/site_job.h"

site_job_fn site_change_set, site_change_disable, site_change_enable,
    site_change_remove;

#endif /* SITE_CHANGE_H */
