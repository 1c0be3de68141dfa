# SPDX-License-Identifier: BSD-3-Clause
# the stream that the receiver held, read from the file behind the device's memory
bar_stream "$LAB_OUT/map" "$(cat "$LAB_OUT/base")" >"$LAB_OUT/found"
check "the device's memory holds the stream, byte for byte" cmp "$LAB_OUT/sent" "$LAB_OUT/found"
