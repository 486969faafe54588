#include "klg/native/import_patcher.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace klg::native {
namespace {

int hits = 0;

pid_t hooked_getppid() {
  ++hits;
  return -1;
}

// Through the import table of this program.
[[gnu::noinline]] pid_t call() { return ::getppid(); }

Import wanted(const char* name, pid_t (*hook)()) {
  void* original = dlsym(RTLD_DEFAULT, name);
  return {name, original, original, reinterpret_cast<void*>(hook), false};
}

struct ImportPatcherTest : testing::Test {
  void SetUp() override { hits = 0; }
};

TEST_F(ImportPatcherTest, RedirectsAndPutsBack) {
  ImportPatcher patcher({wanted("getppid", hooked_getppid)}, {}, nullptr);
  EXPECT_GT(call(), 0);
  EXPECT_EQ(hits, 0);
  EXPECT_GE(patcher.patch(), 1u);
  EXPECT_EQ(call(), -1);
  EXPECT_EQ(hits, 1);
  EXPECT_EQ(patcher.patch(), 0u);  // nothing new is loaded
  EXPECT_GE(patcher.restore(), 1u);
  EXPECT_GT(call(), 0);
  EXPECT_EQ(hits, 1);
  EXPECT_GE(patcher.patch(), 1u);
  EXPECT_EQ(call(), -1);
  EXPECT_EQ(hits, 2);
  patcher.restore();
}

TEST_F(ImportPatcherTest, TouchesNoModuleOfItsOwn) {
  ImportPatcher patcher({wanted("getppid", hooked_getppid)}, {reinterpret_cast<const void*>(&call)},
                        nullptr);
  patcher.patch();
  EXPECT_GT(call(), 0);
  EXPECT_EQ(hits, 0);
  patcher.restore();
}

pid_t others_getppid() { return -2; }

TEST_F(ImportPatcherTest, LeavesWhatOthersHavePutOnTop) {
  ImportPatcher ours({wanted("getppid", hooked_getppid)}, {}, nullptr);
  ours.patch();
  Import over = wanted("getppid", others_getppid);
  over.original = over.alias = reinterpret_cast<void*>(hooked_getppid);
  ImportPatcher theirs({over}, {}, nullptr);
  EXPECT_GE(theirs.patch(), 1u);
  ours.restore();
  EXPECT_EQ(call(), -2);
  over.original = over.alias = dlsym(RTLD_DEFAULT, "getppid");
  ImportPatcher({over}, {}, nullptr).restore();
  EXPECT_GT(call(), 0);
}

TEST_F(ImportPatcherTest, RefusesWhereSomebodyElsePatches) {
  ImportPatcher ours({wanted("getppid", hooked_getppid)}, {}, nullptr);
  const std::string before = ours.refusal();
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  EXPECT_NE(before.find("sanitizer"), std::string::npos);
#else
  EXPECT_EQ(before, "");
  Import other = wanted("getppid", hooked_getppid);
  other.hook = dlsym(RTLD_DEFAULT, "malloc");  // stands for a hook in another library
  ImportPatcher theirs({other}, {}, nullptr);
  EXPECT_GE(theirs.patch(), 1u);
  EXPECT_NE(ours.refusal().find("getppid is patched already, by "), std::string::npos);
  theirs.restore();
  EXPECT_EQ(ours.refusal(), "");
#endif
}

}  // namespace
}  // namespace klg::native
