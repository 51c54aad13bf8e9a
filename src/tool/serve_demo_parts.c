/* SPDX-License-Identifier: MIT */

/*
 * The scripts of the agents of `reprise demo --serve`. A wait is counted in eighths of a tick, so a
 * pace of 8 is --rate words a second. The paces differ, so that the rate rises and falls: a model
 * thinks fast, writes at the pace of the demo, and waits for the tools.
 */

#include "tool/serve_demo_script.h"

enum {
	FAST = 3,
	EVEN = 8,
	SLOW = 14,
	BREATH = 40,     /* before an answer */
	TOOL_TIME = 140, /* until a tool has its result */
	REST = 480,      /* between two runs */
};

#define ASK       .part = PART_ASK, .wait = BREATH
#define OPEN      .part = PART_OPEN, .wait = BREATH
#define THINK     .part = PART_THINK, .wait = FAST, .pace = FAST
#define SAY(rate) .part = PART_SAY, .wait = EVEN, .pace = (rate)
#define USE(name) .part = PART_USE, .wait = EVEN, .pace = FAST, .tool = (name)
#define RESULT    .part = PART_RESULT, .wait = TOOL_TIME, .pace = 1
#define PAUSE     .part = PART_PAUSE, .wait = FAST, .pace = 1
#define STOP      .part = PART_STOP, .wait = FAST, .pace = 1
#define COMMIT    .part = PART_COMMIT, .wait = EVEN
#define FAIL      .part = PART_FAIL, .wait = BREATH
#define END       .part = PART_END, .wait = EVEN
#define NOTHING   .part = PART_REST

static const struct script_line chat[] = {
	{ ASK, .text = "Why does my chat stop in the middle of a sentence when the train enters a "
		       "tunnel?" },
	{ OPEN },
	{ SAY(EVEN),
	  .text = "The phone loses the network, and the connection that carries the answer breaks. "
		  "The model does not notice: the server goes on writing the answer. Without a "
		  "buffer, the words of those seconds are gone.\n\n"
		  "A server that keeps the newest words can do better. Each piece of the answer "
		  "gets a number. When the phone is back, the page says the last number that it "
		  "has, and the server sends the pieces behind that number. The answer goes on in "
		  "the middle of the sentence, and no word comes twice." },
	{ STOP },
	{ ASK, .text = "And if the tunnel is longer than the buffer?" },
	{ OPEN },
	{ SAY(SLOW),
	  .text = "Then some pieces have left the buffer. The honest answer is a gap: " },
	{ SAY(FAST),
	  .text = "the server says which pieces are missing, from the first to the last, and the "
		  "page can show a line in that place instead of a text that looks complete. With "
		  "a log on the disk the server reads the missing pieces from there, and the page "
		  "gets every word after all.\n\n"
		  "There are three cases, then.\n\n"
		  "1. The pieces are in memory: the page gets each of them once.\n"
		  "2. The pieces are in the log alone: the page gets them from the log, then the "
		  "newest ones from memory, without a seam.\n"
		  "3. The pieces are nowhere: the page gets the exact range of the loss.\n\n"
		  "In no case does the page have to guess." },
	{ STOP },
	{ ASK, .text = "Does a slow phone make the model wait?" },
	{ OPEN },
	{ SAY(EVEN),
	  .text = "No. The model writes into a ring, and the ring never waits for anybody. A phone "
		  "that reads too slowly falls behind, and after a while its next piece leaves the "
		  "ring. You can try that here: press the button that lets this page fall behind, "
		  "wait until two hundred events have passed, and look at the mark on the time "
		  "line. Other pages that show the same session get every event meanwhile, at "
		  "full speed." },
	{ STOP },
	{ ASK, .text = "Write me a short poem about a cursor." },
	{ OPEN },
	{ SAY(SLOW), .text = "A small blue mark between two words,\n"
			     "it holds the place where we had been.\n"
			     "The line went dark. The line came back.\n"
			     "The mark said: here, and nothing in between." },
	{ STOP },
	{ NOTHING, .wait = BREATH },
};

static const struct script_line agent[] = {
	{ ASK,
	  .text = "The test cache_expires fails since yesterday. Find out why, and repair it." },
	{ OPEN },
	{ THINK, .text = "The user says that one test fails since yesterday. I should read the "
			 "test first, "
			 "then the code that the test calls, and then look at the last changes. I "
			 "must not "
			 "change the test to make it pass." },
	{ SAY(EVEN), .text = "I begin with the test itself." },
	{ USE("read_file"),
	  .text = "{\"path\": \"tests/cache_test.c\", \"first_line\": 80, \"last\": 104}" },
	{ RESULT, .text = "/* An entry is gone when its time is over. */\n"
			  "cache_put(cache, \"a\", 1, seconds(10));\n"
			  "clock_advance(clock, seconds(10));\n"
			  "assert(cache_get(cache, \"a\") == NULL);" },
	{ PAUSE },
	{ COMMIT },
	{ OPEN },
	{ THINK,
	  .text = "The test advances the clock by exactly the life of the entry, and expects the "
		  "entry to be gone. So the code must compare with greater or equal. Let me read "
		  "the comparison in cache_get." },
	{ USE("search"), .text = "{\"pattern\": \"expires_at\", \"path\": \"src/cache.c\"}" },
	{ RESULT, .text = "src/cache.c:41: entry->expires_at = now + life;\n"
			  "src/cache.c:77: if (now > entry->expires_at)" },
	{ PAUSE },
	{ COMMIT },
	{ OPEN },
	{ SAY(FAST),
	  .text = "Line 77 keeps an entry for one moment too long: at the very end of its life, "
		  "now and expires_at are equal, and the entry is still handed out. I change the "
		  "comparison, and run the tests." },
	{ USE("edit_file"), .text = "{\"path\": \"src/cache.c\", \"line\": 77, \"old\": \"now >\", "
				    "\"new\": \"now >=\"}" },
	{ USE("run"), .text = "{\"command\": \"make test\", \"timeout_s\": 120}" },
	{ RESULT, .text = "[ RUN  ] cache_put_get\n[  OK  ] cache_put_get\n[ RUN  ] cache_expires\n"
			  "[  OK  ] cache_expires\n[ RUN  ] cache_evicts\n[  OK  ] cache_evicts\n"
			  "3 tests, 0 failures" },
	{ PAUSE },
	{ COMMIT },
	{ OPEN },
	{ THINK,
	  .text = "All three tests pass. I should say what was wrong, in few words, and name the "
		  "change." },
	{ SAY(EVEN),
	  .text = "The test passes again. The cause was a comparison in src/cache.c: an entry "
		  "whose life was exactly over counted as alive, because the code asked for "
		  "greater "
		  "instead of greater or equal. The change is one character in line 77. The other "
		  "two tests of the cache pass, too. I did not touch the test." },
	{ STOP },
	{ COMMIT },
	{ END, .status = 0 },
	{ NOTHING, .wait = REST },
	{ ASK, .text = "Now measure how much faster the cache is with 8 threads." },
	{ OPEN },
	{ THINK, .text = "I need a measurement with one thread, and a measurement with eight "
			 "threads, on the same machine, in turns. A single run says little." },
	{ SAY(EVEN),
	  .text = "I run the benchmark five times with one thread, and five times with eight, in "
		  "turns, and compare the medians." },
	{ USE("run"),
	  .text = "{\"command\": \"bench/cache --threads 1,8 --rounds 5\", \"timeout_s\": 60}" },
	{ RESULT,
	  .text = "error: the machine has 2 processors; --threads 8 needs --oversubscribe" },
	{ PAUSE },
	{ COMMIT },
	{ OPEN },
	{ SAY(SLOW), .text = "This machine has two processors only, so eight threads would" },
	{ FAIL, .text = "the model is overloaded, try again later" },
	{ END, .status = 1 },
	{ NOTHING, .wait = REST },
};

const struct script demo_scripts[] = {
	{ "chat", false, chat, sizeof(chat) / sizeof(*chat) },
	{ "agent", true, agent, sizeof(agent) / sizeof(*agent) },
};
const size_t demo_scripts_count = sizeof(demo_scripts) / sizeof(*demo_scripts);
