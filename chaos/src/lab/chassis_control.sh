#!/bin/sh
# Called by ipmi_sim: asks the lab's switch. "get power" prints the state, "set power 0|1" switches.
ask() { printf 'action=%s\nport=@MACHINE@\naddress=@SOCKET@\n' "$1" | @HAVEN@ demo-fence; }
case $1 in 0x*) shift ;; esac
operation=$1
shift
case $operation in
get)
    for what in "$@"; do
        case $what in
        power) if ask status | grep -q OFF; then echo power:0; else echo power:1; fi ;;
        *) echo "$what:none" ;;
        esac
    done
    ;;
set)
    while [ $# -gt 1 ]; do
        case $1:$2 in
        power:1) ask on >/dev/null || exit 1 ;;
        power:0) ask off >/dev/null || exit 1 ;;
        esac
        shift 2
    done
    ;;
esac
exit 0
