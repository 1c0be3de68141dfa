# SPDX-License-Identifier: BSD-3-Clause
# description: bytes that the NIC leaves with the headers, and packets that it doesn't split at all, are part of the stream
# set: core 7.x
# timeout: 120

snapshot start
dmsim linear_every 7
stream every7 $NIC4:5000 8M --region udmabuf --size 16M
between "every7: some landed in host memory" "$(field every7 bytes_host)" 100000 4000000
between "every7: most in device memory" "$(field every7 bytes_device)" 4000000 8288608
dmsim linear_every 1
stream every1 $NIC4:5000 4M --region udmabuf --size 16M
equal "every1: all landed in host memory" "$(field every1 bytes_host)" 4194304
dmsim linear_every 0

if [ $LAB_KERNEL = 7.x ]; then
	dmsim slop 64
	stream slop $NIC4:5000 4M --region udmabuf --size 16M
	between "slop: some landed in host memory" "$(field slop bytes_host)" 10000 1000000
	between "slop: most in device memory" "$(field slop bytes_device)" 3000000 4194304
	dmsim slop 0
fi
# packets of the stream that go to a queue without a binding
dmsim misroute_every 5
stream misrouted $NIC4:5000 8M --region udmabuf --size 16M
between "misrouted: some landed in host memory" "$(field misrouted bytes_host)" 100000 6000000
dmsim misroute_every 0
unchanged start "the NIC is as it was"
