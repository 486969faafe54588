#include "klg/native/import_patcher.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "klg/native/page_protection.hpp"

namespace klg::native {
namespace {

static_assert(sizeof(void*) == 8, "import tables are read as 64-bit ELF");

#if defined(__x86_64__)
constexpr std::uint32_t kTableEntry = R_X86_64_GLOB_DAT;
constexpr std::uint32_t kCallEntry = R_X86_64_JUMP_SLOT;
constexpr std::uint32_t kPointer = R_X86_64_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kTableEntry = R_AARCH64_GLOB_DAT;
constexpr std::uint32_t kCallEntry = R_AARCH64_JUMP_SLOT;
constexpr std::uint32_t kPointer = R_AARCH64_ABS64;
#else
#error "import tables of this architecture are not known"
#endif

constexpr const char* kSanitizers[] = {"__asan_init", "__tsan_init", "__msan_init", "__hwasan_init",
                                       "__lsan_enable"};

bool is_one_of(std::uint32_t type) noexcept {
  return type == kTableEntry || type == kCallEntry || type == kPointer;
}

std::string library_of(const void* address) {
  Dl_info info;
  return dladdr(address, &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : "unknown code";
}

// Whether an address is the start of an exported function of that name: somebody's own allocator,
// and not a hook.
bool is_definition(const void* address, const char* name) noexcept {
  Dl_info info;
  return dladdr(address, &info) != 0 && info.dli_saddr == address && info.dli_sname != nullptr &&
         std::strcmp(info.dli_sname, name) == 0;
}

}  // namespace

struct ImportPatcher::Module {
  explicit Module(const dl_phdr_info& info) noexcept : base(info.dlpi_addr), headers(&info) {
    for (int k = 0; k < info.dlpi_phnum; ++k) {
      if (info.dlpi_phdr[k].p_type == PT_DYNAMIC) {
        dynamic = reinterpret_cast<const ElfW(Dyn)*>(base + info.dlpi_phdr[k].p_vaddr);
      }
    }
    if (dynamic == nullptr) return;
    for (const ElfW(Dyn)* entry = dynamic; entry->d_tag != DT_NULL; ++entry) {
      switch (entry->d_tag) {
        case DT_SYMTAB:
          symbols = reinterpret_cast<const ElfW(Sym)*>(loaded(entry->d_un.d_ptr));
          break;
        case DT_STRTAB:
          names = reinterpret_cast<const char*>(loaded(entry->d_un.d_ptr));
          break;
        case DT_RELA:
          tables[0].first = reinterpret_cast<const ElfW(Rela)*>(loaded(entry->d_un.d_ptr));
          break;
        case DT_RELASZ:
          tables[0].second = entry->d_un.d_val / sizeof(ElfW(Rela));
          break;
        case DT_JMPREL:
          tables[1].first = reinterpret_cast<const ElfW(Rela)*>(loaded(entry->d_un.d_ptr));
          break;
        case DT_PLTRELSZ:
          tables[1].second = entry->d_un.d_val / sizeof(ElfW(Rela));
          break;
        default:
          break;
      }
    }
  }

  [[nodiscard]] bool contains(const void* address) const noexcept {
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    for (int k = 0; k < headers->dlpi_phnum; ++k) {
      const ElfW(Phdr) & part = headers->dlpi_phdr[k];
      const std::uintptr_t begin = base + part.p_vaddr;
      if (part.p_type == PT_LOAD && at >= begin && at < begin + part.p_memsz) return true;
    }
    return false;
  }

  [[nodiscard]] bool readable() const noexcept { return symbols != nullptr && names != nullptr; }

  std::uintptr_t base;
  const dl_phdr_info* headers;
  const ElfW(Dyn) * dynamic = nullptr;
  const ElfW(Sym) * symbols = nullptr;
  const char* names = nullptr;
  std::pair<const ElfW(Rela)*, std::size_t> tables[2] = {};

 private:
  // The loader has added the base already, except in objects that it did not load itself.
  [[nodiscard]] std::uintptr_t loaded(std::uintptr_t address) const noexcept {
    return address < base ? address + base : address;
  }
};

struct ImportPatcher::Slot {
  void** place;
  const Import* import;
  bool undefined;  // the module does not define the function itself
  bool variable;   // a pointer of the program's, which may assign it anew
};

bool ImportPatcher::means_original(const Slot& slot) noexcept {
  return *slot.place == slot.import->original || *slot.place == slot.import->alias;
}

ImportPatcher::ImportPatcher(std::vector<Import> imports, std::vector<const void*> own,
                             const void* interpreter)
    : imports_(std::move(imports)), own_(std::move(own)), interpreter_(interpreter) {}

bool ImportPatcher::excluded(const Module& module) const noexcept {
  return std::any_of(own_.begin(), own_.end(),
                     [&](const void* address) { return module.contains(address); });
}

bool ImportPatcher::known(const Module& module) const noexcept {
  const auto id = reinterpret_cast<std::uintptr_t>(module.dynamic);
  return std::find(known_.begin(), known_.end(), id) != known_.end();
}

// Calls visit(module, slot) for every slot of the wanted functions.
template <class Visit>
void ImportPatcher::visit_slots(bool only_new, Visit&& visit) const {
  struct Walk {
    const ImportPatcher* patcher;
    std::remove_reference_t<Visit>* visit;
    bool only_new;
  } walk{this, &visit, only_new};
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        const auto& [patcher, each, new_ones] = *static_cast<Walk*>(data);
        const Module module(*info);
        if (!module.readable() || patcher->excluded(module)) return 0;
        if (new_ones && patcher->known(module)) return 0;
        const bool interpreter = module.contains(patcher->interpreter_);
        for (const auto& [relocations, count] : module.tables) {
          for (std::size_t k = 0; relocations != nullptr && k < count; ++k) {
            const ElfW(Rela) & one = relocations[k];
            if (!is_one_of(ELF64_R_TYPE(one.r_info)) || one.r_addend != 0) continue;
            const ElfW(Sym) & symbol = module.symbols[ELF64_R_SYM(one.r_info)];
            const char* name = module.names + symbol.st_name;
            for (const Import& import : patcher->imports_) {
              if (name[0] != import.name[0] || std::strcmp(name, import.name) != 0) continue;
              if (interpreter && !import.in_interpreter) continue;
              auto** place = reinterpret_cast<void**>(module.base + one.r_offset);
              (*each)(module, Slot{place, &import, symbol.st_shndx == SHN_UNDEF,
                                   ELF64_R_TYPE(one.r_info) == kPointer});
            }
          }
        }
        return 0;
      },
      &walk);
}

std::string ImportPatcher::refusal() const {
  for (const char* name : kSanitizers) {
    if (dlsym(RTLD_DEFAULT, name) != nullptr) {
      return "this process runs under a sanitizer, which has hooks of its own";
    }
  }
  const void* foreign = nullptr;
  const char* name = "";
  visit_slots(false, [&](const Module& module, const Slot& slot) {
    const void* value = *slot.place;
    if (slot.variable || means_original(slot) || value == slot.import->hook ||
        module.contains(value) || value == nullptr || is_definition(value, slot.import->name)) {
      return;
    }
    foreign = value;
    name = slot.import->name;
  });
  if (foreign == nullptr) return "";
  return std::string(name) + " is patched already, by " + library_of(foreign);
}

std::size_t ImportPatcher::write(Purpose purpose) {
  PageProtection pages;
  std::size_t written = 0;
  visit_slots(purpose == Purpose::kPatch, [&](const Module& module, const Slot& slot) {
    const void* value = *slot.place;
    const Import& import = *slot.import;
    void* wanted = import.hook;
    if (purpose == Purpose::kRestore) {
      if (value != import.hook) return;
      wanted = import.original;
    } else if (!means_original(slot)) {
      // Not bound yet, it points back into its own module, and the loader would bind it to the
      // original, unless the module has a function of that name itself.
      const bool unbound =
          module.contains(value) && (slot.undefined || module.contains(import.original));
      if (!unbound) return;
    }
    if (!pages.open(slot.place)) return;
    std::atomic_ref<void*>(*slot.place).store(wanted, std::memory_order_release);
    ++written;
  });
  pages.close();
  return written;
}

std::size_t ImportPatcher::patch() {
  struct Counts {
    std::uint64_t loads, unloads;
    std::vector<std::uintptr_t> modules;
  } now{};
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        auto* counts = static_cast<Counts*>(data);
        counts->loads = info->dlpi_adds;
        counts->unloads = info->dlpi_subs;
        const Module module(*info);
        counts->modules.push_back(reinterpret_cast<std::uintptr_t>(module.dynamic));
        return 0;
      },
      &now);
  if (now.loads == loads_ && now.unloads == unloads_) return 0;
  // Another module may lie where one of those was that have gone.
  if (now.unloads != unloads_) known_.clear();
  const std::size_t written = write(Purpose::kPatch);
  known_ = std::move(now.modules);
  loads_ = now.loads;
  unloads_ = now.unloads;
  return written;
}

std::size_t ImportPatcher::restore() {
  known_.clear();
  loads_ = unloads_ = 0;
  return write(Purpose::kRestore);
}

}  // namespace klg::native
