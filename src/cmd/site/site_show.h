/* SPDX-License-Identifier: GPL-2.0-or-later */
/* site_show: prints the sites as configured: `site list` and `site show`. */
#ifndef SITE_SHOW_H
#define SITE_SHOW_H

#include "cmd/site/site_job.h"

site_job_fn site_show_all, site_show_one;

/* "enabled", "disabled" or "faulty", as the daemon says it. */
const char *site_show_state(const struct conf_site *site);

#endif /* SITE_SHOW_H */
