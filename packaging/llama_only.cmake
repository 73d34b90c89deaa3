# Included by CMake right after llama.cpp's own project() line, when its Python wheel is built.
# The wheel would also build llama.cpp's "common" library, which nothing in it uses: half of the compile time.
set(LLAMA_BUILD_COMMON OFF)
