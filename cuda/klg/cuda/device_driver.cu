// The driver behind `DeviceDriver`, found with dlopen: the module links no libcuda, so it imports
// on machines that have none.
#include <cuda.h>
#include <dlfcn.h>

#include <mutex>
#include <stdexcept>
#include <string>

#include "klg/core/error.hpp"
#include "klg/cuda/device_driver.hpp"

namespace klg::cuda {
namespace {

static_assert(kDriverOk == CUDA_SUCCESS && kDriverOutOfMemory == CUDA_ERROR_OUT_OF_MEMORY,
              "the numbers of the driver");

#define KLG_STRING(x) #x
#define KLG_NAME(x) KLG_STRING(x)  // a macro of cuda.h gives each its versioned name

struct Table {
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  std::string missing;

  template <class Function>
  void find(Function& function, const char* name) {
    function = library == nullptr ? nullptr : reinterpret_cast<Function>(dlsym(library, name));
    if (function == nullptr && missing.empty()) missing = name;
  }

#define KLG_FUNCTION(name) decltype(&::name) name = nullptr
  KLG_FUNCTION(cuInit);
  KLG_FUNCTION(cuGetErrorString);
  KLG_FUNCTION(cuDeviceGet);
  KLG_FUNCTION(cuDeviceGetAttribute);
  KLG_FUNCTION(cuDevicePrimaryCtxRetain);
  KLG_FUNCTION(cuDevicePrimaryCtxRelease);
  KLG_FUNCTION(cuCtxPushCurrent);
  KLG_FUNCTION(cuCtxPopCurrent);
  KLG_FUNCTION(cuCtxSynchronize);
  KLG_FUNCTION(cuMemGetAllocationGranularity);
  KLG_FUNCTION(cuMemAddressReserve);
  KLG_FUNCTION(cuMemAddressFree);
  KLG_FUNCTION(cuMemCreate);
  KLG_FUNCTION(cuMemRelease);
  KLG_FUNCTION(cuMemMap);
  KLG_FUNCTION(cuMemUnmap);
  KLG_FUNCTION(cuMemSetAccess);
  KLG_FUNCTION(cuMemAlloc);
  KLG_FUNCTION(cuMemFree);
  KLG_FUNCTION(cuMemsetD8);
  KLG_FUNCTION(cuMemcpyDtoH);
  KLG_FUNCTION(cuMemcpyHtoD);
  KLG_FUNCTION(cuStreamSynchronize);
  KLG_FUNCTION(cuStreamWaitEvent);
  KLG_FUNCTION(cuEventCreate);
  KLG_FUNCTION(cuEventRecord);
  KLG_FUNCTION(cuEventQuery);
  KLG_FUNCTION(cuEventSynchronize);
  KLG_FUNCTION(cuEventDestroy);

  Table() {
#define KLG_FIND(name) find(this->name, KLG_NAME(name))
    KLG_FIND(cuInit);
    KLG_FIND(cuGetErrorString);
    KLG_FIND(cuDeviceGet);
    KLG_FIND(cuDeviceGetAttribute);
    KLG_FIND(cuDevicePrimaryCtxRetain);
    KLG_FIND(cuDevicePrimaryCtxRelease);
    KLG_FIND(cuCtxPushCurrent);
    KLG_FIND(cuCtxPopCurrent);
    KLG_FIND(cuCtxSynchronize);
    KLG_FIND(cuMemGetAllocationGranularity);
    KLG_FIND(cuMemAddressReserve);
    KLG_FIND(cuMemAddressFree);
    KLG_FIND(cuMemCreate);
    KLG_FIND(cuMemRelease);
    KLG_FIND(cuMemMap);
    KLG_FIND(cuMemUnmap);
    KLG_FIND(cuMemSetAccess);
    KLG_FIND(cuMemAlloc);
    KLG_FIND(cuMemFree);
    KLG_FIND(cuMemsetD8);
    KLG_FIND(cuMemcpyDtoH);
    KLG_FIND(cuMemcpyHtoD);
    KLG_FIND(cuStreamSynchronize);
    KLG_FIND(cuStreamWaitEvent);
    KLG_FIND(cuEventCreate);
    KLG_FIND(cuEventRecord);
    KLG_FIND(cuEventQuery);
    KLG_FIND(cuEventSynchronize);
    KLG_FIND(cuEventDestroy);
  }
};

// Never unloaded: other libraries of the process use it as well.
const Table& table() {
  static const Table* const loaded = new Table;
  return *loaded;
}

std::string text_of(CUresult status) {
  const char* text = nullptr;
  if (table().cuGetErrorString == nullptr ||
      table().cuGetErrorString(status, &text) != CUDA_SUCCESS || text == nullptr) {
    return "CUDA error " + std::to_string(static_cast<int>(status));
  }
  return text;
}

[[noreturn]] void unavailable(int device, const std::string& why) {
  throw CudaUnavailable("CUDA device " + std::to_string(device) + ": " + why);
}

// The primary context, which the runtime, torch and CuPy share.
class Driver final : public DeviceDriver {
 public:
  explicit Driver(int device) : number_(device) {
    const Table& cuda = table();
    if (cuda.library == nullptr) unavailable(device, "no CUDA driver is installed (libcuda.so.1)");
    if (!cuda.missing.empty()) unavailable(device, "the CUDA driver lacks " + cuda.missing);
    require(cuda.cuInit(0));
    require(cuda.cuDeviceGet(&device_, device));
    int mappable = 0;
    require(cuda.cuDeviceGetAttribute(
        &mappable, CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED, device_));
    can_map_ = mappable != 0;
    properties_.type = CU_MEM_ALLOCATION_TYPE_PINNED;
    properties_.location = {CU_MEM_LOCATION_TYPE_DEVICE, device};
    require(cuda.cuDevicePrimaryCtxRetain(&context_, device_));
    if (can_map_) {
      const CUresult status = cuda.cuMemGetAllocationGranularity(&granularity_, &properties_,
                                                                 CU_MEM_ALLOC_GRANULARITY_MINIMUM);
      can_map_ = status == CUDA_SUCCESS && granularity_ != 0;
    }
  }
  ~Driver() override { static_cast<void>(table().cuDevicePrimaryCtxRelease(device_)); }

  int device() const noexcept override { return number_; }
  bool can_map() const noexcept override { return can_map_; }
  std::size_t granularity() const noexcept override { return granularity_; }
  std::string describe(DriverStatus status) const override {
    return text_of(static_cast<CUresult>(status));
  }

  DriverStatus reserve(std::size_t bytes, Address& address) noexcept override {
    CUdeviceptr at = 0;
    const Current current(context_);
    const CUresult status = table().cuMemAddressReserve(&at, bytes, 0, 0, 0);
    address = at;
    return status;
  }
  void unreserve(Address address, std::size_t bytes) noexcept override {
    const Current current(context_);
    static_cast<void>(table().cuMemAddressFree(address, bytes));
  }
  DriverStatus create(std::size_t bytes, Memory& memory) noexcept override {
    CUmemGenericAllocationHandle handle = 0;
    const Current current(context_);
    const CUresult status = table().cuMemCreate(&handle, bytes, &properties_, 0);
    memory = handle;
    return status;
  }
  void release(Memory memory) noexcept override {
    const Current current(context_);
    static_cast<void>(table().cuMemRelease(memory));
  }
  DriverStatus map(Address address, std::size_t bytes, Memory memory) noexcept override {
    const Current current(context_);
    return table().cuMemMap(address, bytes, 0, memory, 0);
  }
  DriverStatus unmap(Address address, std::size_t bytes) noexcept override {
    const Current current(context_);
    return table().cuMemUnmap(address, bytes);
  }
  DriverStatus allow(Address address, std::size_t bytes) noexcept override {
    CUmemAccessDesc access{};
    access.location = properties_.location;
    access.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
    const Current current(context_);
    return table().cuMemSetAccess(address, bytes, &access, 1);
  }

  DriverStatus allocate(std::size_t bytes, Address& address) noexcept override {
    CUdeviceptr at = 0;
    const Current current(context_);
    const CUresult status = table().cuMemAlloc(&at, bytes);
    address = at;
    return status;
  }
  void free(Address address) noexcept override {
    const Current current(context_);
    static_cast<void>(table().cuMemFree(address));
  }

  DriverStatus synchronize() noexcept override {
    const Current current(context_);
    return table().cuCtxSynchronize();
  }
  DriverStatus fill(Address address, std::size_t bytes, std::uint8_t value) noexcept override {
    const Current current(context_);
    const CUresult status = table().cuMemsetD8(address, value, bytes);
    return status == CUDA_SUCCESS ? table().cuStreamSynchronize(nullptr) : status;
  }
  DriverStatus download(void* to, Address from, std::size_t bytes) noexcept override {
    const Current current(context_);
    return table().cuMemcpyDtoH(to, from, bytes);
  }
  DriverStatus upload(Address to, const void* from, std::size_t bytes) noexcept override {
    const Current current(context_);
    // From memory that is not page-locked this may return before the last bytes are there.
    const CUresult status = table().cuMemcpyHtoD(to, from, bytes);
    return status == CUDA_SUCCESS ? table().cuStreamSynchronize(nullptr) : status;
  }

  DriverStatus record(std::uintptr_t stream, std::uintptr_t& event) noexcept override {
    CUevent made = nullptr;
    const Current current(context_);
    CUresult status = table().cuEventCreate(&made, CU_EVENT_DISABLE_TIMING);
    if (status != CUDA_SUCCESS) return status;
    status = table().cuEventRecord(made, reinterpret_cast<CUstream>(stream));
    if (status != CUDA_SUCCESS) static_cast<void>(table().cuEventDestroy(made));
    event = reinterpret_cast<std::uintptr_t>(made);
    return status;
  }
  DriverStatus query(std::uintptr_t event, bool& passed) noexcept override {
    const Current current(context_);
    const CUresult status = table().cuEventQuery(reinterpret_cast<CUevent>(event));
    passed = status == CUDA_SUCCESS;
    return status == CUDA_ERROR_NOT_READY ? CUDA_SUCCESS : status;
  }
  DriverStatus wait(std::uintptr_t event) noexcept override {
    const Current current(context_);
    return table().cuEventSynchronize(reinterpret_cast<CUevent>(event));
  }
  DriverStatus hold_back(std::uintptr_t stream, std::uintptr_t event) noexcept override {
    const Current current(context_);
    return table().cuStreamWaitEvent(reinterpret_cast<CUstream>(stream),
                                     reinterpret_cast<CUevent>(event), 0);
  }
  void destroy(std::uintptr_t event) noexcept override {
    const Current current(context_);
    static_cast<void>(table().cuEventDestroy(reinterpret_cast<CUevent>(event)));
  }

 private:
  // Leaves the thread's own context as it was.
  class Current {
   public:
    explicit Current(CUcontext context) {
      pushed_ = table().cuCtxPushCurrent(context) == CUDA_SUCCESS;
    }
    ~Current() {
      CUcontext popped = nullptr;
      if (pushed_) static_cast<void>(table().cuCtxPopCurrent(&popped));
    }
    Current(const Current&) = delete;
    Current& operator=(const Current&) = delete;

   private:
    bool pushed_;
  };

  void require(CUresult status) const {
    if (status != CUDA_SUCCESS) unavailable(number_, text_of(status));
  }

  int number_;
  CUdevice device_ = 0;
  CUcontext context_ = nullptr;
  bool can_map_ = false;
  std::size_t granularity_ = 0;
  CUmemAllocationProp properties_{};
};

}  // namespace

std::shared_ptr<DeviceDriver> open_driver(int device) { return std::make_shared<Driver>(device); }

}  // namespace klg::cuda
