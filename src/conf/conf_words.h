/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf_words: the words of a configuration, in the order of their enums.
 *
 * The lists drive the parser, the print, complaints, options and messages.
 */
#ifndef CONF_WORDS_H
#define CONF_WORDS_H

#include "base/words.h"

extern const struct words conf_words_aead, conf_words_auth, conf_words_auto,
    conf_words_level, conf_words_mode, conf_words_offload, conf_words_order,
    conf_words_transport, conf_words_when_down;

#endif /* CONF_WORDS_H */
