# SPDX-License-Identifier: BSD-3-Clause
# description: every kind of region there is: udmabuf with and without huge pages, dma-heaps, device memory, memfd
# set: core 7.x
# hugepages: 40
# bar: 64M
# timeout: 90

# 6.12 allows 64 MiB
echo 1024 >/sys/module/udmabuf/parameters/size_limit_mb

devmemctl region list -j >/tmp/list
check "the list is JSON" jq -e . /tmp/list
for spec in udmabuf heap:dmbar0 memfd; do
	check "$spec is listed" jq -e "[.. | .region? // empty] | index(\"$spec\")" /tmp/list
done
for spec in udmabuf udmabuf:huge=2M udmabuf:huge=no heap:dmbar0 memfd; do
	check "test of $spec" devmemctl region test $spec --size 16M
done
if [ -e /dev/dma_heap/system ]; then
	check "test of heap:system" devmemctl region test heap:system --size 16M
fi

# huge pages: used if there are enough, else a message says that they are not
free()
{
	cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages
}
equal "all huge pages are free again" "$(free)" 40
expect_err 2 "huge" devmemctl region test udmabuf:huge=2M --size 128M
expect_err 1 "2 MiB" devmemctl region test udmabuf:huge=2M --size 3M
devmemctl region test udmabuf --size 128M -v >/tmp/out 2>&1
equal "without enough of them the region has ordinary pages" $? 0
contains "and a message says so" /tmp/out "huge"
equal "all huge pages are free again" "$(free)" 40

# device memory: several at once, freed with the last fd
left()
{
	cat /sys/bus/pci/drivers/dmbar/0000:*/regions | wc -l
}
one_left()
{
	[ "$(left)" -eq 1 ]
}
equal "no region in the device" "$(left)" 0
expect_err 2 "dmbar0" devmemctl region test heap:dmbar0 --size 128M
ethtool -G $NIC tcp-data-split on
spawn one devmemctl bind rx $NIC --queues 2 --region heap:dmbar0 --size 16M
spawn two devmemctl bind rx $NIC --queues 3 --region heap:dmbar0 --size 32M
check "two regions of the device are bound" wait_for 20 test -s $OUT/one.out -a -s $OUT/two.out
equal "two regions in the device" "$(left)" 2
awk '{print $1, $2}' /sys/bus/pci/drivers/dmbar/0000:*/regions >/tmp/regions
note "$(cat /tmp/regions)"
signal one TERM
finish one 10
check "the first is freed" wait_for 10 one_left
signal two KILL
finish two 10
check "the second is freed when its owner is killed" wait_for 10 sh -c '[ -z "$(cat /sys/bus/pci/drivers/dmbar/0000:*/regions)" ]'
check "all of it can be allocated again" devmemctl region test heap:dmbar0 --size 64M
