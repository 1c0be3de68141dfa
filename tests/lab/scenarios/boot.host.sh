# SPDX-License-Identifier: BSD-3-Clause
# what comes out of the VM: the files that the guest saved, and the file behind the device's memory
check "the guest's files arrive on the host" grep -q "TCP data split" "$LAB_OUT/current"
check "the backing file of the device memory has the size asked for" test "$(stat -c %s "$LAB_BAR")" -eq "$LAB_BAR_SIZE"
