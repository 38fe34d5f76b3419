# SPDX-License-Identifier: Apache-2.0
number, following = 0, 1
Integer(ARGV.fetch(0, 10)).times do
  puts number
  number, following = following, number + following
end
