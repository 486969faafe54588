#pragma once

// Marks code that both the host compiler and nvcc translate, so that what a kernel computes is
// tested on the CPU.
#if defined(__CUDACC__)
#define KLG_HOST_DEVICE __host__ __device__
#else
#define KLG_HOST_DEVICE
#endif
