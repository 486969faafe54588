// A driver library over host memory, for tests: the calls that device_driver.cu looks up in
// libcuda.so.1, under the names that it looks them up by.
//
// Addresses of the device are pages that nobody may touch; what they hold lies in a shadow, so that
// a line which takes a device's address for one of the host crashes here as it would there. Counted
// as errors are: a range that is mapped twice, unmapped without having been mapped, given back
// while mapped, or touched without access, and a call without a context.
#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <set>

namespace {

constexpr int kOk = 0;
constexpr int kInvalidValue = 1;
constexpr int kOutOfMemory = 2;
constexpr int kInvalidDevice = 101;
constexpr int kInvalidContext = 201;
constexpr int kNotReady = 600;
constexpr int kFailure = 999;
constexpr int kMappableAttribute = 102;
constexpr std::size_t kGranule = 64 << 10;

using Address = std::uint64_t;

struct Location {
  int type;
  int id;
};
struct Properties {
  int type;
  int handles;
  Location location;
};
struct Access {
  Location location;
  int flags;
};
struct Range {
  std::size_t bytes;
  char* shadow;
  bool block;  // of cuMemAlloc
};
struct Mapping {
  std::size_t bytes;
  std::uint64_t memory;
  bool allowed;
};

struct Device {
  std::mutex lock;
  std::map<Address, Range> ranges;
  std::map<Address, Mapping> mappings;
  std::map<std::uint64_t, std::size_t> memories;
  std::map<std::uint64_t, std::uintptr_t> events;  // and their streams
  std::uint64_t last = 0;
  std::size_t used = 0;
  std::size_t limit = ~std::size_t{0};
  std::uint64_t errors = 0;
  std::uint64_t recorded = 0;
  std::uint64_t held_back = 0;  // stream that was last made to wait
  std::uint64_t held_for = 0;   // and the one it waits for
  bool mappable = true;
  bool finished = true;
  bool failing = false;
};

Device device;
int context_object;
thread_local int contexts = 0;

int failed(int status = kInvalidValue) {
  ++device.errors;
  return status;
}

int ready() {
  if (contexts == 0) return failed(kInvalidContext);
  return device.failing ? kFailure : kOk;
}

void* pages(std::size_t bytes, int protection) {
  return mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

int make_range(std::size_t bytes, bool block, Address* address) {
  void* base = pages(bytes, PROT_NONE);
  void* shadow = pages(bytes, PROT_READ | PROT_WRITE);
  if (base == MAP_FAILED || shadow == MAP_FAILED) return kOutOfMemory;
  *address = reinterpret_cast<Address>(base);
  device.ranges[*address] = {bytes, static_cast<char*>(shadow), block};
  return kOk;
}

void drop_range(Address address) {
  const Range range = device.ranges[address];
  munmap(reinterpret_cast<void*>(address), range.bytes);
  munmap(range.shadow, range.bytes);
  device.ranges.erase(address);
}

// Null where any byte cannot be accessed.
char* shadow_of(Address address, std::size_t bytes) {
  auto range = device.ranges.upper_bound(address);
  if (range == device.ranges.begin()) return nullptr;
  --range;
  if (address + bytes > range->first + range->second.bytes) return nullptr;
  char* shadow = range->second.shadow + (address - range->first);
  for (Address at = address; !range->second.block && at < address + bytes;) {
    auto mapping = device.mappings.upper_bound(at);
    if (mapping == device.mappings.begin()) return nullptr;
    --mapping;
    if (at >= mapping->first + mapping->second.bytes || !mapping->second.allowed) return nullptr;
    at = mapping->first + mapping->second.bytes;
  }
  return shadow;
}

int copy(void* to, const void* from, std::size_t bytes) {
  if (to == nullptr || from == nullptr) return failed();
  std::memcpy(to, from, bytes);
  return kOk;
}

}  // namespace

extern "C" {

// What tests ask and set.
std::uint64_t fake_errors() { return device.errors; }
std::uint64_t fake_used() { return device.used; }
std::uint64_t fake_held() {
  return device.ranges.size() + device.mappings.size() + device.memories.size() +
         device.events.size();
}
std::uint64_t fake_events_recorded() { return device.recorded; }
std::uint64_t fake_held_back() { return device.held_back; }
std::uint64_t fake_held_for() { return device.held_for; }
void fake_limit(std::uint64_t bytes) { device.limit = bytes; }
void fake_mappable(int mappable) { device.mappable = mappable != 0; }
void fake_finish(int finished) { device.finished = finished != 0; }
void fake_fail(int failing) { device.failing = failing != 0; }

int cuInit(unsigned) { return kOk; }
int cuGetErrorString(int status, const char** text) {
  *text = status == kOutOfMemory     ? "out of memory"
          : status == kInvalidDevice ? "invalid device ordinal"
                                     : "it failed on purpose";
  return kOk;
}
int cuDeviceGet(int* number, int ordinal) {
  *number = ordinal;
  return ordinal == 0 ? kOk : kInvalidDevice;
}
int cuDeviceGetAttribute(int* value, int attribute, int) {
  *value = attribute == kMappableAttribute && device.mappable ? 1 : 0;
  return kOk;
}
int cuDevicePrimaryCtxRetain(void** context, int) {
  *context = &context_object;
  return kOk;
}
int cuDevicePrimaryCtxRelease_v2(int) { return kOk; }
int cuCtxPushCurrent_v2(void* context) {
  if (context != &context_object) return failed(kInvalidContext);
  ++contexts;
  return kOk;
}
int cuCtxPopCurrent_v2(void** context) {
  *context = &context_object;
  if (contexts == 0) return failed(kInvalidContext);
  --contexts;
  return kOk;
}
int cuCtxSynchronize() { return ready(); }

int cuMemGetAllocationGranularity(std::size_t* bytes, const Properties*, int) {
  *bytes = kGranule;
  return kOk;
}
int cuMemAddressReserve(Address* address, std::size_t bytes, std::size_t, Address,
                        unsigned long long) {
  const std::scoped_lock lock(device.lock);
  if (const int status = ready(); status != kOk) return status;
  return bytes % kGranule == 0 ? make_range(bytes, false, address) : failed();
}
int cuMemAddressFree(Address address, std::size_t bytes) {
  const std::scoped_lock lock(device.lock);
  const auto range = device.ranges.find(address);
  if (range == device.ranges.end() || range->second.bytes != bytes) return failed();
  const auto mapping = device.mappings.lower_bound(address);
  if (mapping != device.mappings.end() && mapping->first < address + bytes) return failed();
  drop_range(address);
  return kOk;
}
int cuMemCreate(std::uint64_t* memory, std::size_t bytes, const Properties* properties,
                unsigned long long) {
  const std::scoped_lock lock(device.lock);
  if (const int status = ready(); status != kOk) return status;
  if (properties->type != 1 || properties->location.type != 1 || properties->location.id != 0) {
    return failed();
  }
  if (device.used + bytes > device.limit) return kOutOfMemory;
  device.used += bytes;
  *memory = ++device.last;
  device.memories[*memory] = bytes;
  return kOk;
}
int cuMemRelease(std::uint64_t memory) {
  const std::scoped_lock lock(device.lock);
  if (device.memories.count(memory) == 0) return failed();
  for (const auto& [at, mapping] : device.mappings) {
    if (mapping.memory == memory) return failed();
  }
  device.used -= device.memories[memory];
  device.memories.erase(memory);
  return kOk;
}
int cuMemMap(Address address, std::size_t bytes, std::size_t, std::uint64_t memory,
             unsigned long long) {
  const std::scoped_lock lock(device.lock);
  if (const int status = ready(); status != kOk) return status;
  if (device.mappings.count(address) != 0 || device.memories[memory] != bytes) return failed();
  device.mappings[address] = {bytes, memory, false};
  return kOk;
}
int cuMemUnmap(Address address, std::size_t bytes) {
  const std::scoped_lock lock(device.lock);
  const auto mapping = device.mappings.find(address);
  if (mapping == device.mappings.end() || mapping->second.bytes != bytes) return failed();
  mapping->second.allowed = true;
  std::memset(shadow_of(address, bytes), 0xdd, bytes);
  device.mappings.erase(mapping);
  return kOk;
}
int cuMemSetAccess(Address address, std::size_t bytes, const Access* access, std::size_t count) {
  const std::scoped_lock lock(device.lock);
  const auto mapping = device.mappings.find(address);
  if (mapping == device.mappings.end() || mapping->second.bytes != bytes || count != 1 ||
      access->location.id != 0 || access->flags != 3) {
    return failed();
  }
  mapping->second.allowed = true;
  return kOk;
}
int cuMemAlloc_v2(Address* address, std::size_t bytes) {
  const std::scoped_lock lock(device.lock);
  if (const int status = ready(); status != kOk) return status;
  if (device.used + bytes > device.limit) return kOutOfMemory;
  device.used += bytes;
  return make_range(bytes, true, address);
}
int cuMemFree_v2(Address address) {
  const std::scoped_lock lock(device.lock);
  const auto range = device.ranges.find(address);
  if (range == device.ranges.end() || !range->second.block) return failed();
  device.used -= range->second.bytes;
  drop_range(address);
  return kOk;
}

int cuMemsetD8_v2(Address address, unsigned char value, std::size_t bytes) {
  const std::scoped_lock lock(device.lock);
  if (const int status = ready(); status != kOk) return status;
  char* shadow = shadow_of(address, bytes);
  if (shadow == nullptr) return failed();
  std::memset(shadow, value, bytes);
  return kOk;
}
int cuMemcpyDtoH_v2(void* to, Address from, std::size_t bytes) {
  const std::scoped_lock lock(device.lock);
  const int status = ready();
  return status != kOk ? status : copy(to, shadow_of(from, bytes), bytes);
}
int cuMemcpyHtoD_v2(Address to, const void* from, std::size_t bytes) {
  const std::scoped_lock lock(device.lock);
  const int status = ready();
  return status != kOk ? status : copy(shadow_of(to, bytes), from, bytes);
}
int cuStreamSynchronize(void*) { return ready(); }

int cuStreamWaitEvent(void* stream, void* event, unsigned) {
  const std::scoped_lock lock(device.lock);
  const auto found = device.events.find(reinterpret_cast<std::uint64_t>(event));
  if (found == device.events.end()) return failed();
  device.held_back = reinterpret_cast<std::uint64_t>(stream);
  device.held_for = found->second;
  return ready();
}
int cuEventCreate(void** event, unsigned) {
  const std::scoped_lock lock(device.lock);
  if (const int status = ready(); status != kOk) return status;
  device.events[++device.last] = 0;
  *event = reinterpret_cast<void*>(device.last);
  return kOk;
}
int cuEventRecord(void* event, void* stream) {
  const std::scoped_lock lock(device.lock);
  const auto found = device.events.find(reinterpret_cast<std::uint64_t>(event));
  if (found == device.events.end()) return failed();
  found->second = reinterpret_cast<std::uintptr_t>(stream);
  ++device.recorded;
  return ready();
}
int cuEventQuery(void*) {
  if (const int status = ready(); status != kOk) return status;
  return device.finished ? kOk : kNotReady;
}
int cuEventSynchronize(void*) { return ready(); }
int cuEventDestroy_v2(void* event) {
  const std::scoped_lock lock(device.lock);
  return device.events.erase(reinterpret_cast<std::uint64_t>(event)) == 1 ? kOk : failed();
}

}  // extern "C"
