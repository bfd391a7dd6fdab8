# Takes away a file or a folder.
[ -e "$given" ] || refuse "unfit: there is no $given"
rm -rf -- "$given"
