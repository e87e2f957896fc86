/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text: text files as editors of any system write them.
 *
 * UTF-8 with or without a byte order mark; lines that end in LF, CR LF or CR.
 * UTF-16 is refused, since all of it would be read as something else.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>

/* Passes over a byte order mark.  0, or -EILSEQ: it is UTF-16. */
int text_begin(const char **text, size_t *len);

/* In place: no byte order mark, and LF at line ends.  0 or -EILSEQ. */
int text_normalize(char *text, size_t *len);

/*
 * In place: the only line, without its end, which a password or any other
 * credential is.  Also -EBADMSG when it is empty, has several lines or a NUL,
 * -EPROTO when it has another control character than a tab.
 */
int text_line(char *text, size_t *len);

/* What an error of these says to a person, behind the file's name. */
const char *text_explain(int error);

#endif /* TEXT_H */
