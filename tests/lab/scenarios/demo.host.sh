# SPDX-License-Identifier: BSD-3-Clause
# Outside of the VM: the random bytes of the host are in the files behind both devices' memory, at the
# places that devmemctl named.

sent=$(sha256sum <"$LAB_PAYLOAD" | cut -d' ' -f1)
# where the region lay in the device's memory
read -r base length <"$LAB_OUT/regions"
echo "demo:"
echo "demo: host: the region was at $base in the device's memory, $length bytes long"
bar_stream "$LAB_OUT/device.map" "$base" >"$LAB_OUT/found" || exit 1
found=$(sha256sum <"$LAB_OUT/found" | cut -d' ' -f1)
echo "demo: host: $(stat -c %s "$LAB_OUT/found") bytes in $(wc -l <"$LAB_OUT/device.map") fragments, sha256 $found"
rm "$LAB_OUT/found"
equal "the device's backing file has the bytes that were sent" "$found" "$sent"

bar_stream "$LAB_OUT/send.map" "$(cat "$LAB_OUT/send.base")" "$LAB_BAR2" >"$LAB_OUT/found" || exit 1
found=$(sha256sum <"$LAB_OUT/found" | cut -d' ' -f1)
echo "demo: host: $(stat -c %s "$LAB_OUT/found") bytes in the memory of the device that was sent from, sha256 $found"
rm "$LAB_OUT/found"
equal "the backing file of the device that was sent from has them, too" "$found" "$sent"
