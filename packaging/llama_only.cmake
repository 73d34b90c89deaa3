# Included by CMake right after llama.cpp's own project() line, when its Python wheel is built.
# The wheel would also build llama.cpp's "common" library, which nothing in it uses: half of the compile time.
set(LLAMA_BUILD_COMMON OFF)

# No AMX: where a virtual machine names it, llama.cpp's code for it can end the process (`ldtilecfg` faults), and a
# device that ends a process is what nobody can catch. The loadable modules and what is shipped have none either.
include(CheckCXXCompilerFlag)
foreach(feature amx-tile amx-int8 amx-bf16)
    string(MAKE_C_IDENTIFIER "HEARTH_NO_${feature}" known)
    check_cxx_compiler_flag("-mno-${feature}" ${known})
    if(${known})
        add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:-mno-${feature}>")
    endif()
endforeach()
