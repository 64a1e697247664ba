# A login shell knows the installation: kubectl and helm point at its cluster, pgctl at itself.
umask 027
TMOUT=7200
readonly TMOUT
export TMOUT
export PGCTL_CONFIG=/etc/pgctl/config.yaml
[ -r /etc/pgctl/kubeconfig ] && export KUBECONFIG=/etc/pgctl/kubeconfig
case $- in
  *i*) [ -x /usr/lib/pgctl/motd ] && /usr/lib/pgctl/motd ;;
esac
