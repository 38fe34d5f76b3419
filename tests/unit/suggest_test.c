// SPDX-License-Identifier: Apache-2.0
#include "base/suggest.h"
#include "tap.h"

static const char *const words[] = {"run", "deploy", "config", "platform", NULL, "version"};

static const char *meant(const char *typed)
{
    const char *word = suggest(typed, words, sizeof(words) / sizeof(words[0]));
    return word ? word : "(none)";
}

TEST(near_words, "typing mistakes are recognised")
{
    CHECK_STR(meant("rnu"), "run");
    CHECK_STR(meant("ru"), "run");
    CHECK_STR(meant("runn"), "run");
    CHECK_STR(meant("depoly"), "deploy");
    CHECK_STR(meant("platfrom"), "platform");
    CHECK_STR(meant("verison"), "version");
    CHECK_STR(meant("conifg"), "config");
}

TEST(far_words, "nothing is suggested that was not meant")
{
    CHECK_STR(meant(""), "(none)");
    CHECK_STR(meant("xyz"), "(none)");
    CHECK_STR(meant("x"), "(none)");
    CHECK_STR(meant("documentation"), "(none)");
    char text[200];
    memset(text, 'r', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    CHECK_STR(meant(text), "(none)");
}

TAP_MAIN()
