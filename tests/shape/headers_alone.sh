#!/bin/sh
# SPDX-License-Identifier: MIT
# Every public header compiles alone, as C11 and as C++17, without a warning.
# Usage: headers_alone.sh PROJECT CC CXX
cd "$1" || exit 1
bad=0
for header in include/reprise/*.h; do
	printf '#include <reprise/%s>\nint alone;\n' "$(basename "$header")" |
		$2 -x c -std=c11 -Wall -Wextra -Wpedantic -Werror -Iinclude -fsyntax-only - || bad=1
	printf '#include <reprise/%s>\nint alone;\n' "$(basename "$header")" |
		$3 -x c++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -Iinclude -fsyntax-only - ||
		bad=1
done
[ $bad = 0 ] || echo "shape: a public header does not stand alone"
exit $bad
