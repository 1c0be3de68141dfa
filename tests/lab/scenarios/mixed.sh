# SPDX-License-Identifier: BSD-3-Clause
# description: a kernel that mixes device and host memory in one packet loses the connection: that is reported, and the NIC put back
# set: core 7.x
# timeout: 120

snapshot start
case $LAB_KERNEL in
7.x) dmsim slop 1200 ;;
*) dmsim slop 100 ;;
esac
random_file /tmp/sent 16M
start_recv mixed $NIC4:5000 --region udmabuf --size 16M
send_file /tmp/sent $NIC4:5000
finish mixed 60
rc=$?
if [ $rc -eq 0 ]; then
	# the kernel delivered it: then every byte must be right
	equal "every byte arrived" "$(field mixed sha256)" "$(sha256 /tmp/sent)"
else
	equal "status of a refusal" $rc 2
	contains "the message says what happened" $OUT/mixed.err "mixed"
	contains "and what it means" $OUT/mixed.err "connection"
fi
dmsim slop 0
unchanged start "the NIC is as it was"
stream after $NIC4:5000 4M --region udmabuf --size 16M
