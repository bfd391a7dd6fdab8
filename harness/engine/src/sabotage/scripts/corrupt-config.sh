# Puts a line that means nothing at the end of what configures the service, or of the file that is given.
file=${given:-$(config)}
[ -f "$file" ] || refuse "unfit: there is no $file"
printf '\n%s\n' '}{ patchbed: this line means nothing [' >>"$file"
tail -n 1 "$file" | grep -q 'means nothing' || refuse "$file did not take the line"
