# SPDX-License-Identifier: BSD-3-Clause
# description: records the kernel's netlink messages about a NIC in use, in the form of tests/unit/golden
# timeout: 60

prefix=$(uname -r | cut -d. -f1,2)
mkdir /tmp/golden
ethtool -G $NIC tcp-data-split on
ethtool -X $NIC equal 3
ethtool -X $NIC context new equal 2
spawn holder devmemctl bind rx $NIC --queues 3 --region udmabuf:huge=no --size 4M
check "a region is bound" wait_for 10 test -s $OUT/holder.out
check "the messages are recorded" /lab/bin/record_golden /tmp/golden "$prefix" $NIC
check "there are many" test "$(ls /tmp/golden | wc -l)" -gt 30
for what in queue-get rings-get rss-get rss-dump channels-get features-get page-pool-get qstats-get; do
	check "$what among them" test -s "/tmp/golden/$prefix-$NIC-$what.ans"
done
id=$(cat $OUT/holder.out)
note "binding $id"
save /tmp/golden/*
