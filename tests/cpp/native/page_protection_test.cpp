#include "klg/native/page_protection.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

namespace klg::native {
namespace {

// What /proc says of the page of an address, for example "r--p".
std::string allowed(const void* address) {
  std::FILE* maps = std::fopen("/proc/self/maps", "r");
  char line[4096];
  std::string found;
  while (std::fgets(line, sizeof line, maps) != nullptr) {
    unsigned long begin = 0, end = 0;
    char text[5] = {};
    if (std::sscanf(line, "%lx-%lx %4s", &begin, &end, text) != 3) continue;
    const auto at = reinterpret_cast<unsigned long>(address);
    if (at >= begin && at < end) found = text;
  }
  std::fclose(maps);
  return found;
}

TEST(PageProtection, OpensAPageAndGivesItBackAsItWas) {
  const auto size = static_cast<std::size_t>(getpagesize());
  void* page = mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  {
    PageProtection pages;
    EXPECT_EQ(allowed(page), "r--p");
    ASSERT_TRUE(pages.open(page));
    ASSERT_TRUE(pages.open(static_cast<char*>(page) + 8));
    std::strcpy(static_cast<char*>(page), "written");
    pages.close();
    EXPECT_EQ(allowed(page), "r--p");
  }
  EXPECT_STREQ(static_cast<char*>(page), "written");
  munmap(page, size);
}

TEST(PageProtection, LeavesWritablePagesAloneAndRefusesWhatIsNoPage) {
  PageProtection pages;
  int local = 0;
  EXPECT_TRUE(pages.open(&local));
  EXPECT_FALSE(pages.open(reinterpret_cast<const void*>(std::uintptr_t{8})));
  pages.close();
  EXPECT_EQ(allowed(&local), "rw-p");
}

}  // namespace
}  // namespace klg::native
