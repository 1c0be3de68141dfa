# SPDX-License-Identifier: BSD-3-Clause
# The stream that went from one device's memory into another's, read from the files behind both: the random bytes of the
# host, in the places that sender and receiver named.
bar_stream "$LAB_OUT/send.map" "$(cat "$LAB_OUT/send.base")" "$LAB_BAR" >"$LAB_OUT/from" || exit 1
check "the sending device's memory has the stream, byte for byte" cmp "$LAB_PAYLOAD" "$LAB_OUT/from"
bar_stream "$LAB_OUT/recv.map" "$(cat "$LAB_OUT/recv.base")" "$LAB_BAR2" >"$LAB_OUT/to" || exit 1
check "the receiving device's memory has it, too" cmp "$LAB_PAYLOAD" "$LAB_OUT/to"
rm "$LAB_OUT/from" "$LAB_OUT/to"
