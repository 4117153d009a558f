# Writes the commit of the source tree as C to ${OUTPUT}, if it has changed: run at every build.
#
#   cmake -DSOURCE=DIR -DOUTPUT=FILE -P commit.cmake
set(commit unknown)
find_program(GIT git)
if(GIT)
  execute_process(COMMAND ${GIT} describe --always --dirty --abbrev=12 --exclude=*
    WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE found RESULT_VARIABLE failed ERROR_QUIET
    OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT failed)
    set(commit ${found})
  endif()
endif()
file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT "#include \"src/machine.h\"

const char *machine_commit(void)
{
    return \"${commit}\";
}
")
