# SPDX-License-Identifier: MIT
# Writes a C file with the bytes of the viewer's files, for gateway/viewer.h. The same files make the same C file.
# Usage: cmake -DFOLDER=viewer -DLIST=file -DOUT=file.c -P embed.cmake      LIST: the names, a line each
file(STRINGS "${LIST}" names)
set(arrays "")
set(rows "")
set(types html text/html css text/css js text/javascript svg image/svg+xml)
set(number 0)
foreach(name IN LISTS names)
  if(NOT name MATCHES "^[a-z0-9][a-z0-9_.-]*\\.(html|css|js|svg)$")
    message(FATAL_ERROR "embed: '${name}' is no name for a file of the viewer")
  endif()
  list(FIND types ${CMAKE_MATCH_1} place)
  math(EXPR place "${place} + 1")
  list(GET types ${place} type)
  file(READ "${FOLDER}/${name}" hex HEX)
  file(SHA256 "${FOLDER}/${name}" hash)
  string(SUBSTRING ${hash} 0 32 hash)
  string(LENGTH "${hex}" size)
  math(EXPR size "${size} / 2")
  # A NUL behind the file: an array has at least one element. Lines of 32 bytes.
  string(REGEX REPLACE "(................................................................)" "\\1\n" hex "${hex}00")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
  string(APPEND arrays "\n/* ${name} */\nstatic const unsigned char file_${number}[] = {\n${hex}\n};\n")
  string(APPEND rows "\t{ \"${name}\", \"${type}; charset=utf-8\", \"\\\"${hash}\\\"\", { (const char *)file_${number}, ${size} } },\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE "${OUT}" "/* Made by gateway/embed.cmake. */\n#include \"gateway/viewer.h\"\n${arrays}
const struct viewer_file viewer_files[] = {\n${rows}};\nconst size_t viewer_files_count = ${number};\n")
