# A login shell knows the installation, and kubectl, helm and pgctl act there with the rights of whoever has come in by
# pgctl login: the machine has none to lend. Any other client does not answer, and the shell goes on without.
umask 027
TMOUT=7200
readonly TMOUT
export TMOUT
case $- in
  *i*)
    if [ -t 0 ] && [ -z "${PGCTL_OPERATOR_SESSION:-}" ]; then
      eval "$(/usr/bin/pgctl cluster-session 2>/dev/null)"
    fi
    if [ -r /run/pgctl/motd.json ]; then /usr/bin/pgctl bastion motd; else /usr/lib/pgctl/motd; fi
    [ -n "${PGCTL_OPERATOR_SESSION:-}" ] || echo '  no rights in the cluster: come in by pgctl login'
    ;;
esac
