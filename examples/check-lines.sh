#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# usage: check-lines.sh FILE MAX: fails when FILE has more lines than that
lines=$(wc -l <"$1") || exit 99
if [ "$lines" -gt "$2" ]; then
	echo "$1 has $lines lines, at most $2 are allowed"
	exit 1
fi
echo "$1: $lines lines of $2"
