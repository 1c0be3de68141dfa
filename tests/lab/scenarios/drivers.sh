# SPDX-License-Identifier: BSD-3-Clause
# description: NICs that lack a feature: the error names it, nothing is left changed, and --place still receives
# set: core 7.x
# timeout: 180

reload()
{
	rmmod dmsim
	insmod /lib/modules/$(uname -r)/lab/dmsim.ko "$@" 2>/tmp/insmod.err || modprobe dmsim "$@"
	nic_up
}

refused()
{
	snapshot before
	expect_err 3 "$1" devmemctl recv $NIC --listen $NIC4:5000 --region udmabuf --size 4M --once
	unchanged before "the NIC is as it was"
}

reload no_split=1
refused "split"

reload no_ntuple=1
refused "flow rules"

reload queues=1
refused "receive queue"

reload no_queue_mgmt=1
refused "$NIC"

# placement needs none of these features
spawn place devmemctl recv $NIC --listen $NIC4:5001 --place --region memfd --size 8M --once --sha256 -j
wait_listen 5001
peer sh -c "head -c 4194304 /dev/urandom >/tmp/sent; socat -u OPEN:/tmp/sent TCP:$NIC4:5001"
finish place 30
equal "placement ends well" $? 0
equal "its digest" "$(jq -r '.. | .sha256? // empty' $OUT/place.out | head -n 1)" "$(sha256 /tmp/sent)"
