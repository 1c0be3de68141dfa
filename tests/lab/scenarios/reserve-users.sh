# SPDX-License-Identifier: BSD-3-Clause
# description: two and three users at once, leaving and dying in all orders: RSS keeps off the queues of the living, and the last one to go puts all back
# set: core 6.12
# dmsim: queues=6 nrules=8
# timeout: 400

# for each user: its queue and flow arguments, and its queues
args_a="-Q 1 $NIC 5001" queues_a="1"
args_b="-Q 4 $NIC 5002" queues_b="4"
args_c="-s -Q 3,5 $NIC 5003 5004" queues_c="3 5"

# expect_answer WHAT WANT COMMAND...: adds to $bad unless the answer is WANT
expect_answer()
{
	local what=$1 want=$2

	shift 2
	user "$@"
	[ "$ANSWER" = "$want" ] && return
	bad="$bad; $what: $*: got \"$ANSWER\", want \"$want\""
}

# look: $table is the queues that RSS spreads over, $split whether headers are split, $rules how many there are
look()
{
	local seen

	seen=$({
		ethtool -x $NIC
		ethtool -g $NIC
		ethtool -n $NIC
	} | awk '/^ *[0-9]+:/ { for (i = 2; i <= NF; i++) q[$i] = 1 }
		/^TCP data split:/ { split_on = $NF }
		/^Filter:/ { rules++ }
		END { for (i = 0; i < 6; i++) if (q[i]) printf "%d", i; print " " split_on, rules + 0 }')
	read -r table split rules <<<"$seen"
}

# living WHAT NAME...: the NIC is as these users need it; if $exact, nothing beyond that is changed
living()
{
	local what=$1 name q want=012345 flows=0

	shift
	look
	[ "$split" = on ] || bad="$bad; $what: split is $split"
	for name; do
		q=queues_$name
		for q in ${!q}; do
			want=${want/$q/}
			[[ $table != *$q* ]] || bad="$bad; $what: RSS sends to queue $q of $name"
		done
		[ "$name" = c ] && flows=$((flows + 2)) || flows=$((flows + 1))
	done
	if [ "$exact" = yes ]; then
		[ "$table" = "$want" ] || bad="$bad; $what: RSS spreads over $table, want $want"
		[ "$rules" -eq $flows ] || bad="$bad; $what: $rules rules, want $flows"
	else
		[ "$rules" -ge $flows ] || bad="$bad; $what: $rules rules, want $flows at least"
	fi
}

# round START ENDS NAME...: all NAMEs start, then go in this order; ENDS has a letter for each, l: leaves, d: dies
round()
{
	local start=$1 ends=$2 names name args i left

	shift 2
	names=("$@")
	bad=
	for name in a b c; do
		[[ " ${names[*]} " != *" $name "* ]] && continue
		args=args_$name
		user start $name -h ${!args}
		[[ $ANSWER == ready* ]] || bad="$bad; $name: $ANSWER"
	done
	if [ "$exact" = no ]; then
		user lonely
		[ "$ANSWER" = "killed ${#names[@]}" ] || bad="$bad; watchers: $ANSWER"
	fi
	living "all" "${names[@]}"
	for ((i = 0; i < ${#names[@]}; i++)); do
		if [ "${ends:i:1}" = l ]; then
			expect_answer "${names[i]}" "status 0" leave "${names[i]}"
		else
			expect_answer "${names[i]}" "status 137" kill "${names[i]}"
		fi
		left=("${names[@]:i + 1}")
		[ "$exact" = no ] || expect_answer "after ${names[i]}" settled settled ${#left[@]}
		[ ${#left[@]} -eq 0 ] || living "after ${names[i]}" "${left[@]}"
	done
	# what the dead left is put back by the next user
	if [ "$exact" = no ] && [[ $ends == *d* ]]; then
		expect_answer "the next user" "status 0" run -n -q 1 $NIC
	fi
	expect_answer "the end" settled settled 0
	nic_state >"$LAB_RUN/snapshot.now"
	cmp -s "$LAB_RUN/snapshot.$start" "$LAB_RUN/snapshot.now" || bad="$bad; the NIC is not as it was"
	if [ -z "$bad" ]; then
		ok "$start, order ${names[*]}, ends $ends"
		return
	fi
	fail "$start, order ${names[*]}, ends $ends: ${bad#; }"
	diff -u "$LAB_RUN/snapshot.$start" "$LAB_RUN/snapshot.now" >$LAB_RUN/check.out
	show $LAB_RUN/check.out
}

all_rounds()
{
	local order ends

	for order in "a b" "b a"; do
		for ends in ll ld dl dd; do
			round "$1" $ends $order
		done
	done
	for order in "a b c" "a c b" "b a c" "b c a" "c a b" "c b a"; do
		for ends in lll lld ldl ldd dll dld ddl ddd; do
			round "$1" $ends $order
		done
	done
}

users
snapshot default
exact=yes
all_rounds default

# rules off, a table of the administrator's own, and no watchers
ethtool -K $NIC ntuple off
ethtool -X $NIC weight 1 1 2 2 3 3
[ "$LAB_KERNEL" = 6.12 ] || check "a threshold" hds $NIC 64
snapshot own
exact=no
all_rounds own
