#!/bin/sh
# A fence program in the manner of fence-agents that behaves as it is told.
action= state= manner= password=
while IFS= read -r line; do
    case $line in
    action=*) action=${line#*=} ;;
    state=*) state=${line#*=} ;;
    manner=*) manner=${line#*=} ;;
    password=*) password=${line#*=} ;;
    esac
done
case $manner in
dead) trap '' TERM; setsid sleep 1000 & while :; do sleep 1; done ;;
flood) head -c 20000000 /dev/zero; head -c 20000000 /dev/zero >&2 ;;
leak) echo "login with $password refused" >&2; exit 1 ;;
fork) setsid sleep 1000 & ;;
broken) echo "python3: can't open file" >&2; exit 2 ;;
esac
case $manner:$action in
deaf:off) ;;
*:off) rm -f "$state" ;;
*:on) : >"$state" ;;
*:status)
    if [ -e "$state" ]; then echo "Status: ON"; exit 0; fi
    echo "Status: OFF"
    exit 2
    ;;
esac
exit 0
