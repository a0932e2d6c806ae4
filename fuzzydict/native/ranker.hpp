// From a query to scored keys: candidates by their vectors and letters, scores, guards.
#pragma once

#include <exception>
#include <functional>
#include <system_error>
#include <thread>

#include "key_table.hpp"

namespace fuzzydict {

constexpr float CERTAIN = 8;       // the logit of an exact key where a query has no words
constexpr float SPECIFIC = 0.67f;  // how far a word of a key adds to those of the query from which it is another key
constexpr float SAME_WORDS = 4;    // by which keys of the same words stand behind one of them
constexpr float RENAMED = 1;       // logits that a key loses to which another name of the query leads
constexpr float FORMS = 3.5f;      // the least logit of a key whose words are forms of the query's
constexpr float CLEAR = 6;         // the logit from which on no further name is tried
constexpr size_t ALIAS_WORDS = 8, MOST_ALIASES = 8;
enum Flag : uint16_t {
    NUMBERS = 1, OPPOSITES = 2, SAME = 4, ALIAS = 8, NEGATED = 16, ORDER = 32, UNITS = 64, LETTERS = 128, NAMES = 256,
    FORM = 512,
};
constexpr uint16_t ALL_GUARDS = NUMBERS | OPPOSITES | NEGATED | ORDER | UNITS | LETTERS | NAMES;

struct Options {
    size_t candidates = 64;  // of the largest products
    size_t scored = 16;      // of these by product and letters; 0 for all
    bool vectors = true;     // whether words have meanings
    bool cosines = true;     // whether texts have
    float letters = 1, tokens = 0;  // what letters and words in common count beside products
    uint16_t guards = ALL_GUARDS;
    float slope = 1, shift = 0;               // of logits
    float cosine_slope = 1, cosine_shift = 0;  // of the cosines of another embedder
    const uint32_t* among = nullptr;          // places, ascending, if not all keys are candidates
    size_t among_count = 0;
    const float* bonus = nullptr;             // by place, added to the dot products
};

struct Scored {
    uint32_t place;
    float logit;  // -infinity where a guard forbids the key
    float plain;  // without guards and keys of the same words
    uint16_t flags;
};

// A query on its way. It belongs to a thread, which uses it again for the next.
class Query {
public:
    Text text;
    std::vector<float> row;
    std::vector<QueryWord> terms;  // the words that are scored, and the phrases in them
    size_t count = 0;              // of the words that are scored
    std::vector<Span> spans;
    Letters letters;               // of the words that are scored
    Pattern pattern, spaced;
    std::vector<int64_t> ids;      // of all words among the terms of the keys, or less than 0
    float trust = 1;

    void prepare(const KeyTable& keys, const float* meaning, const Options& options) {
        const Vocabulary& vocabulary = *keys.vocabulary;
        const Split& words = text.words;
        std::vector<Meaning> meanings;
        ids.clear();
        for (size_t i = 0; i < words.size(); i++) {
            size_t same = 0;
            while (words[same] != words[i]) same++;
            meanings.push_back(same < i ? meanings[same] : vocabulary.look_up(words[i], words.is_number(i), true));
            int64_t id = keys.terms().find(words[i]);
            ids.push_back(id < 0 ? -1 - static_cast<int64_t>(same) : id);
        }
        embed(keys, meanings, meaning);
        count = std::min(words.size(), SCORED_WORDS);
        letters_.clear();
        spaced_.clear();
        decode(words.joined(0, count), letters_);
        decode(words.spaced, spaced_);
        letters = letters_;
        spaced.prepare(spaced_);
        spaced.ignore_case();
        pattern.prepare(letters);
        spans.clear();
        if (options.vectors)
            vocabulary.each_phrase(words, count, [&](size_t start, size_t end) {
                if (spans.size() < SCORED_TERMS - SCORED_WORDS)
                    spans.push_back({static_cast<uint8_t>(start), static_cast<uint8_t>(end)});
            });
        size_t starts[SCORED_WORDS + 1] = {0};
        for (size_t i = 0; i < count; i++) starts[i + 1] = starts[i] + length_of(words[i]);
        terms.resize(std::max(terms.size(), count + spans.size()));
        for (size_t i = 0; i < count; i++)
            terms[i].prepare(words[i], letters.substr(starts[i], starts[i + 1] - starts[i]), words.is_number(i),
                             meanings[i], vocabulary);
        for (size_t i = 0; i < spans.size(); i++) {
            size_t start = spans[i].start, end = spans[i].end;
            View phrase = words.phrase(start, end);
            Letters written = Letters(spaced_).substr(starts[start] + start, starts[end] - starts[start] + end - start - 1);
            terms[count + i].prepare(phrase, written, false, vocabulary.look_up(phrase, false, true), vocabulary);
        }
        kinds_ = 0;
        for (size_t i = 0; i < words.size(); i++)
            kinds_ |= kinds_of(words[i], words.is_number(i), vocabulary.units, vocabulary.connectors);
        numbers_.clear();
        if (kinds_ & NUMERIC) {
            Split scored;
            for (size_t i = 0; i < count; i++) scored.add(words[i], words.is_number(i));
            numbers_ = all_numbers(scored, vocabulary.units);
        }
        find_opposites(vocabulary, options);
        has_name_ = (options.guards & NAMES) && fuzzydict::has_name(words, vocabulary.things());
    }

    size_t size() const { return count + spans.size(); }
    uint8_t kinds() const { return kinds_; }            // of its words
    const Numbers& numbers() const { return numbers_; }  // of the words that are scored
    bool has_name() const { return has_name_; }
    const Letters spaced_letters() const { return spaced_; }

    bool may_be_opposite(uint32_t form) const {
        return filter_[form >> 6 & 15] >> (form & 63) & 1 &&
               std::find(opposites_.begin(), opposites_.end(), form) != opposites_.end();
    }

private:
    void embed(const KeyTable& keys, const std::vector<Meaning>& meanings, const float* meaning) {
        const Vocabulary& vocabulary = *keys.vocabulary;
        row.assign(static_cast<size_t>(keys.width), 0.0f);
        trust = 1;
        if (keys.own) {
            trust = trust_of(meanings);
            vocabulary.embed(text.words, meanings, row.data());
            for (int i = 0; i < keys.dimension; i++) row[static_cast<size_t>(i)] *= trust;
        } else if (meaning) {
            std::copy(meaning, meaning + keys.dimension, row.begin());
        }
        std::u32string compact;
        decode(text.words.compact, compact);
        spelling_vector(compact, vocabulary.table.projection, row.data() + keys.dimension);
        drop_infinite(row);
    }

    void find_opposites(const Vocabulary& vocabulary, const Options& options) {
        opposites_.clear();
        filter_.fill(0);
        if (!(options.guards & OPPOSITES)) return;
        Hashes antonyms, negations;
        for (size_t i = 0; i < text.words.size(); i++) add_opposites(text.words[i], vocabulary, antonyms, negations);
        if (text.words.size() > 1) add_opposites(text.words.spaced, vocabulary, antonyms, negations);
        for (const Hashes* found : {&antonyms, &negations})
            for (uint64_t hash : *found) {
                uint32_t form = short_hash(hash);
                opposites_.push_back(form);
                filter_[form >> 6 & 15] |= uint64_t{1} << (form & 63);
            }
    }

    std::u32string letters_, spaced_;
    uint8_t kinds_ = 0;
    bool has_name_ = false;
    Numbers numbers_;
    std::vector<uint32_t> opposites_;
    std::array<uint64_t, 16> filter_{};
};

// Ranks one query after the other over the keys of a table.
class Ranker {
public:
    Ranker(const KeyTable& keys, const Network& words, const Network& phrases)
        : keys_(keys), vocabulary_(*keys.vocabulary), words_(words), phrases_(phrases),
          sums_(static_cast<size_t>(std::max(words.hidden, phrases.hidden))) {}

    Query query;

    // The keys that the query may mean, scored. ``exact`` is the place of the key that it is, or
    // less than 0: it is always one of them.
    void rank(const Options& options, const float* meaning, int64_t exact, std::vector<Scored>& out) {
        rank_as_written(options, meaning, exact, out);
        if (exact < 0) rank_renamed(options, meaning, out);
    }

    // What is known of the query, which is prepared, and a key.
    void features(uint32_t place, const Options& options, float cosine, float* x) {
        begin(options);
        phrase_features(keys_.key(place), options, cosine, x);
    }

    float cosine_of(uint32_t place, const Options& options) const {
        if (!options.cosines) return 0;
        float cosine = keys_.scales()[place] * dot(keys_.row(place), query.row.data(), keys_.dimension);
        if (keys_.own) return cosine;
        return std::min(std::max(options.cosine_slope * cosine + options.cosine_shift, -1.0f), 1.0f);
    }

private:
    struct Found {
        uint32_t place;
        float product, similarity;  // the second one with letters and words in common
        bool operator<(const Found& other) const {
            return product > other.product || (product == other.product && place < other.place);
        }
    };

    // Score the keys that other names of parts of the query lead to ("Swaziland", "Eswatini"). Each
    // key keeps its best score.
    void rank_renamed(const Options& options, const float* meaning, std::vector<Scored>& out) {
        std::vector<Split> texts = renamed();
        if (texts.empty()) return;
        Text asked = query.text;
        std::vector<float> row = query.row;
        std::vector<Scored> others;
        float best = -INFINITY;
        for (Split& words : texts) {
            if (best > CLEAR) break;
            query.text.raw = words.spaced;
            query.text.words = std::move(words);
            rank_as_written(options, meaning, -1, others);
            for (Scored& other : others) {
                best = std::max(best, other.logit);
                other.logit -= RENAMED;
                other.plain -= RENAMED;
                auto same = std::find_if(out.begin(), out.end(), [&](const Scored& each) { return each.place == other.place; });
                if (same == out.end()) out.push_back(other);
                else if (other.logit > same->logit) *same = other;
            }
        }
        query.text = std::move(asked);
        query.row = std::move(row);
    }

    // The query with another name for one of its parts, where keys have all words of that name.
    std::vector<Split> renamed() const {
        std::vector<Split> found;
        const Split& words = query.text.words;
        const WordTable& aliases = vocabulary_.aliases();
        for (size_t size = std::min(words.size(), ALIAS_WORDS); size > 0; size--)
            for (size_t start = 0; start + size <= words.size(); start++) {
                View part = words.phrase(start, start + size);
                auto add = [&](View other) {
                    if (found.size() == MOST_ALIASES) return;
                    Split text;
                    for (size_t i = 0; i < start; i++) text.add(words[i], words.is_number(i));
                    for (View rest = other; !rest.empty();) {
                        View word = rest.substr(0, rest.find(' '));
                        int64_t id = keys_.terms().find(word);
                        if (id < 0) return;
                        text.add(word, keys_.terms()[static_cast<uint32_t>(id)].number);
                        rest.remove_prefix(std::min(rest.size(), word.size() + 1));
                    }
                    for (size_t i = start + size; i < words.size(); i++) text.add(words[i], words.is_number(i));
                    auto same = [&](const Split& each) { return each.spaced == text.spaced; };
                    if (!same(words) && std::none_of(found.begin(), found.end(), same)) found.push_back(std::move(text));
                };
                aliases.each(part, hash_of(part), add);
if (size > 1) {  // "kW" is two words
                    View joined = words.joined(start, start + size);
                    aliases.each(joined, hash_of(joined), add);
                }
                std::string whole = "=" + std::string(part);  // of common words, such as "can"
                if (size == words.size()) aliases.each(whole, hash_of(whole), add);
            }
        return found;
    }

    void rank_as_written(const Options& options, const float* meaning, int64_t exact, std::vector<Scored>& out) {
        out.clear();
        query.prepare(keys_, meaning, options);
        begin(options);
        found_.clear();
        if (query.text.words.size()) nearest(options);
        uint32_t sure = static_cast<uint32_t>(exact);
        if (options.among && !std::binary_search(options.among, options.among + options.among_count, sure)) exact = -1;
        if (exact >= 0 && place_of(sure) == found_.size()) {
            if (found_.size() >= options.candidates) found_.erase(std::max_element(found_.begin(), found_.end()));
            found_.push_back({sure, product(sure, options), 0});
        }
        if (options.scored && found_.size() > options.scored) shortlist(options, exact);
        score(options, out);
    }

    size_t place_of(uint32_t key) const {
        size_t i = 0;
        while (i < found_.size() && found_[i].place != key) i++;
        return i;
    }

    float product(uint32_t place, const Options& options) const {
        float product = keys_.scales()[place] * dot(keys_.row(place), query.row.data(), keys_.width);
        return options.bonus ? product + options.bonus[place] : product;
    }

    // Find the keys of the largest products with the query, whose numbers are rounded to 16 bits.
    void nearest(const Options& options) {
        size_t n = options.among ? options.among_count : keys_.size();
        if (options.among || n <= options.candidates) {
            for (size_t i = 0; i < n; i++) {
                uint32_t place = options.among ? options.among[i] : static_cast<uint32_t>(i);
                found_.push_back({place, product(place, options), 0});
            }
            return keep_nearest(options);
        }
        int width = keys_.width;
        float most = std::max(largest(query.row.data(), query.row.size()), 1e-30f);
        int steps = std::min(32767, static_cast<int>((int64_t{1} << 31) / 127 / width) - 1);
        float step = most / static_cast<float>(steps);
        rounded_.assign(query.row.size() + ROUND, 0);
        for (size_t i = 0; i < query.row.size(); i++)
            rounded_[i] = static_cast<int16_t>(std::lrint(query.row[i] / most * static_cast<float>(steps)));
        about_.resize(n);
        products(keys_.row(0), static_cast<size_t>(width), n, rounded_.data(), width, keys_.scales(), step, about_.data());
        if (options.bonus)
            for (size_t i = 0; i < n; i++) about_[i] += options.bonus[i];
        float least = reached(options.candidates);
        for (size_t group = 0; group < best_.size(); group++) {
            if (best_[group] < least) continue;
            for (size_t i = group; i < n; i += best_.size())
                if (about_[i] >= least) found_.push_back({static_cast<uint32_t>(i), about_[i], 0});
        }
        keep_nearest(options);
    }

    // Keep the candidates, in order if there will be no short list.
    void keep_nearest(const Options& options) {
        size_t n = std::min(found_.size(), options.candidates);
        if (n < found_.size()) std::nth_element(found_.begin(), found_.begin() + static_cast<std::ptrdiff_t>(n), found_.end());
        found_.resize(n);
        if (!options.scored || n <= options.scored) std::sort(found_.begin(), found_.end());
    }

    // What at least so many products reach, and few others: so many of the largest of groups do.
    float reached(size_t n) {
        size_t groups = about_.size() < 16 * n ? about_.size() : 8 * n;
        best_.assign(about_.begin(), about_.begin() + static_cast<std::ptrdiff_t>(groups));
        for (size_t start = groups; start < about_.size(); start += groups)
            raise(best_.data(), about_.data() + start, std::min(groups, about_.size() - start));
        float high = largest(best_.data(), groups), low = -high;
        size_t reaching = best_.size();  // the low one
        for (int step = 0; step < 32 && reaching > n; step++) {
            float middle = (low + high) / 2;
            size_t count = count_at_least(best_.data(), best_.size(), middle);
            if (count < n) {
                high = middle;
            } else {
                low = middle;
                reaching = count;
            }
        }
        return low;
    }

    // Keep those that are nearest and whose letters are the most alike.
    void shortlist(const Options& options, int64_t exact) {
        size_t n = options.scored;
        for (const Found& each : found_) keys_.key(each.place).prefetch();
        for (Found& each : found_) {
            const Key& key = keys_.key(each.place);
            other_.clear();
            if (!key.is_simple()) decode(key.lower(), other_);
            each.similarity = each.product + options.letters * (key.is_simple() ? lcs_ratio(query.spaced, key.raw()) : lcs_ratio(query.spaced, Letters(other_)));
            if (options.tokens > 0) each.similarity += options.tokens * shared(key);
        }
        bool has_exact = exact >= 0 && place_of(static_cast<uint32_t>(exact)) < found_.size();
        auto before = [](const Found& one, const Found& other) {
            return one.similarity > other.similarity || (one.similarity == other.similarity && one < other);
        };
        std::partial_sort(found_.begin(), found_.begin() + static_cast<std::ptrdiff_t>(n), found_.end(), before);
        if (has_exact) {
            size_t place = place_of(static_cast<uint32_t>(exact));
            if (place >= n) std::swap(found_[n - 1], found_[place]);
        }
        found_.resize(n);
    }

    // How much of what distinguishes the query's words is in a key, 0 to 1.
    float shared(const Key& key) const {
        float found = 0, all = 1e-6f;
        for (size_t i = 0; i < query.count; i++) {
            all += weights_[i].each[1];
            if (query.ids[i] < 0) continue;
            const uint32_t* end = key.ids() + key.count();
            if (std::find(key.ids(), end, static_cast<uint32_t>(query.ids[i])) != end) found += weights_[i].each[1];
        }
        return found / all;
    }

    // Bring what is known of the terms of the candidates into the cache, all of it at once.
    void prefetch() const {
        auto each_term = [&](auto visit) {
            for (const Found& each : found_) {
                const Key& key = keys_.key(each.place);
                for (size_t i = 0; i < key.terms(); i++) visit(keys_.terms()[key.ids()[i]]);
            }
        };
        each_term([](const Term& term) { FUZZYDICT_PREFETCH(&term); });
        each_term([&](const Term& term) {
            FUZZYDICT_PREFETCH(term.block.get());
            if (term.rows[0] >= 0) vocabulary_.prefetch(term.rows[0]);
        });
    }

    void score(const Options& options, std::vector<Scored>& out) {
        float x[PHRASE_FEATURES];
        prefetch();
        bool aliases = false;
        for (const Found& each : found_) {
            const Key& key = keys_.key(each.place);
            aliases = aliases || key.is_alias();
            if (!query.text.words.size()) {
                out.push_back({each.place, CERTAIN, CERTAIN, static_cast<uint16_t>(key.is_alias() ? ALIAS : 0)});
                continue;
            }
            phrase_features(key, options, cosine_of(each.place, options), x);
            float logit = phrases_(x, sums_.data());
            if (x[SAME_FORMS] > 0) logit = std::max(logit, FORMS);
            logit = options.slope * logit + options.shift;
            uint16_t flags = forbidding(each.place, options);
            float guarded = flags ? -INFINITY : logit;
            if (key.is_alias()) flags |= ALIAS;
            out.push_back({each.place, guarded, logit, flags});
        }
        if (!aliases && query.text.words.size()) {
            prefer_one(out);
            prefer_one_form(out);
            share_among_specific(out);
        }
    }

    // Let keys that each say more than the query share their probability: "soup" is neither "tomato
    // soup" nor "chicken soup", however usual one of them is.
    void share_among_specific(std::vector<Scored>& out) const {
        if (std::any_of(query.ids.begin(), query.ids.end(), [](int64_t id) { return id < 0; })) return;
        std::vector<Scored*> specific;
        double total = 0;
        for (Scored& each : out)
            if (each.logit > -INFINITY && !(each.flags & SAME) && is_more_specific(keys_.key(each.place))) {
                specific.push_back(&each);
                total += std::exp(static_cast<double>(each.logit));
            }
        if (specific.size() < 2) return;
        float shared = static_cast<float>(std::log(total / static_cast<double>(specific.size())));
        for (Scored* each : specific) each->logit = shared;
    }

    // Has a key all words of the query and one more, which is not as empty as "the" or "Inc."?
    bool is_more_specific(const Key& key) const {
        const uint32_t *first = key.ids(), *last = first + key.count();
        for (int64_t id : query.ids)
            if (std::find(first, last, static_cast<uint32_t>(id)) == last) return false;
        return std::any_of(first, last, [&](uint32_t id) {
            return 1 - keys_.terms()[id].redundant > SPECIFIC &&
                   std::find(query.ids.begin(), query.ids.end(), int64_t{id}) == query.ids.end();
        });
    }

    // Of keys of the same words let one stand out, which is written most like the query.
    void prefer_one(std::vector<Scored>& out) {
        for (size_t i = 0; i < out.size(); i++) {
            if (out[i].flags & SAME) continue;
            size_t best = i;
            float most = -1;
            for (size_t k = i + 1; k < out.size(); k++) {
                if ((out[k].flags & SAME) || !same_words(out[i].place, out[k].place)) continue;
                if (most < 0) most = raw_ratio(out[i].place);
                float ratio = raw_ratio(out[k].place);
                if (ratio > most || (ratio == most && keys_.key(out[k].place).raw() < keys_.key(out[best].place).raw())) {
                    most = ratio;
                    best = k;
                }
            }
            if (most < 0) continue;
            for (size_t k = i; k < out.size(); k++)
                if (k != best && !(out[k].flags & SAME) && same_words(out[best].place, out[k].place)) {
                    out[k].logit -= SAME_WORDS;
                    out[k].flags |= SAME;
                }
        }
    }

    // Of keys whose words are forms of each other ("color", "colors") let the best one stand out.
    void prefer_one_form(std::vector<Scored>& out) {
        for (size_t i = 0; i < out.size(); i++) {
            bool second = false;
            for (size_t k = 0; k < out.size() && !second; k++)
                second = k != i && is_better(out[k], out[i]) && same_forms(out[k].place, out[i].place);
            if (second) out[i].flags |= FORM;
        }
        for (Scored& each : out)
            if (each.flags & FORM) {
                each.flags = static_cast<uint16_t>((each.flags & ~FORM) | SAME);
                each.logit -= SAME_WORDS;
            }
    }

    // Does a key that no guard forbids, and which is better than no key, have the higher logit?
    static bool is_better(const Scored& one, const Scored& other) {
        return one.logit > 0 && one.logit > other.logit && !((one.flags | other.flags) & SAME);
    }

    bool same_forms(uint32_t one, uint32_t other) const {
        const Key &first = keys_.key(one), &second = keys_.key(other);
        if (first.count() != second.count()) return false;
        for (size_t i = 0; i < first.count(); i++) {
            if (!share_form(keys_.terms()[first.ids()[i]].word({}), keys_.terms()[second.ids()[i]])) return false;
        }
        return true;
    }

    // Is one word, or what it is inflected from, also the other or what that is inflected from?
    static bool share_form(const Word& one, const Term& other) {
        const uint32_t* end = other.forms() + other.form_count;
        return std::any_of(one.forms, one.forms + one.form_count,
                           [&](uint32_t form) { return std::find(other.forms(), end, form) != end; });
    }

    bool same_words(uint32_t one, uint32_t other) const {
        const Key &first = keys_.key(one), &second = keys_.key(other);
        return first.count() == second.count() && std::equal(first.ids(), first.ids() + first.count(), second.ids());
    }

    float raw_ratio(uint32_t place) {
        std::u32string raw, key;
        decode(query.text.raw, raw);
        decode(keys_.key(place).raw(), key);
        Pattern pattern;
        pattern.prepare(raw);
        return lcs_ratio(pattern, key);
    }

    // The guards that forbid a key.
    uint16_t forbidding(uint32_t place, const Options& options) {
        const Key& key = keys_.key(place);
        const Split& asked = query.text.words;
        uint16_t flags = 0;
        uint8_t any = query.kinds() | key.kinds(), both = query.kinds() & key.kinds();
        bool exchanged = asked.size() == key.count() && asked.size() >= SENTENCE;  // perhaps
        bool structured = ((any & (NUMERIC | NEGATING | LETTER)) || both || exchanged) && (options.guards & ~OPPOSITES);
        bool may = false;
        if (options.guards & OPPOSITES) {
            uint64_t phrase = HASH_START;
            for (size_t i = 0; i < key.count(); i++) {
                const Term& term = keys_.terms()[key.ids()[i]];
                for (int k = 0; k < term.guard_count; k++) may |= query.may_be_opposite(term.forms()[k]);
                if (i) phrase = hash_of(" ", phrase);
                phrase = hash_of(term.text(), phrase);
            }
            may |= key.count() > 1 && query.may_be_opposite(short_hash(phrase));
        }
        if (!structured && !may && !query.has_name()) return 0;
        Split held = keys_.split(place);
        auto applies = [&](uint16_t guard, bool found) { return (options.guards & guard) && found; };
        if (may && are_opposites(asked, held, vocabulary_)) flags |= OPPOSITES;
        if (applies(NUMBERS, any & NUMERIC) && numbers_differ(asked, held, vocabulary_.units)) flags |= NUMBERS;
        if (applies(NEGATED, any & NEGATING) && negations_differ(asked, held, vocabulary_.irregular)) flags |= NEGATED;
        if (applies(ORDER, both & CONNECTING) && sides_exchanged(asked, held, vocabulary_.connectors)) flags |= ORDER;
        if (applies(ORDER, true) && two_exchanged(asked, held, vocabulary_.units)) flags |= ORDER;
        if (applies(UNITS, both & UNIT) && units_differ(asked, held, vocabulary_.units)) flags |= UNITS;
        if (applies(LETTERS, any & LETTER) && letters_differ(asked, held)) flags |= LETTERS;
        if (query.has_name() && names_differ(asked, held, vocabulary_.things(), vocabulary_.irregular)) flags |= NAMES;
        return flags;
    }

    // Forget the terms that another query was compared with, and weigh this one's.
    void begin(const Options& options) {
        if (slots_.size() < 256) slots_.resize(256);
        std::fill(slots_.begin(), slots_.end(), 0);
        slot_ids_.clear();
        shares_.clear();
        for (float& each : all_) each = 0;
        weights_.clear();
        used_.clear();
        trusted_ = 0;
        known_ = true;
        for (size_t i = 0; i < query.count; i++) {
            const Meaning& meaning = query.terms[i].word.meaning;
            uint32_t frequency = keys_.frequency(query.terms[i].word.text);
            weights_.emplace_back(meaning.rarity, keys_.distinct(frequency));
            used_.push_back(frequency > 0);
            for (int k = 0; k < 3; k++) all_[k] += weights_.back().each[k];
            trusted_ += meaning.rarity * (options.vectors ? meaning.trust : 0);
            known_ = known_ && meaning.rarity < 1;
        }
    }

    // How probably each term of the query and one of keys stand for the same thing.
    const float* shares(uint32_t id, bool vectors) {
        size_t mask = slots_.size() - 1, slot = id * 2654435761u >> 7 & mask;
        for (; slots_[slot]; slot = (slot + 1) & mask)
            if (slot_ids_[slots_[slot] - 1] == id) return shares_.data() + (slots_[slot] - 1) * query.size();
        slot_ids_.push_back(id);
        slots_[slot] = static_cast<uint32_t>(slot_ids_.size());
        size_t at = shares_.size();
        shares_.resize(at + query.size());
        const Term& term = keys_.terms()[id];
        other_.clear();
        decode(term.text(), other_);
        Word word = term.word(other_);
        float x[WORD_FEATURES];
        for (size_t a = 0; a < query.size(); a++) {
            word_features(query.terms[a], word, vocabulary_, vectors, x);
            shares_[at + a] = probability(words_(x, sums_.data()));
        }
        if (slot_ids_.size() * 2 > slots_.size()) {
            slots_.assign(slots_.size() * 2, 0);
            for (size_t i = 0; i < slot_ids_.size(); i++) {
                size_t to = slot_ids_[i] * 2654435761u >> 7 & (slots_.size() - 1);
                while (slots_[to]) to = (to + 1) & (slots_.size() - 1);
                slots_[to] = static_cast<uint32_t>(i + 1);
            }
        }
        return shares_.data() + at;
    }

    void phrase_features(const Key& key, const Options& options, float cosine, float* x) {
        size_t count = std::min(key.count(), SCORED_WORDS);
        size_t phrases = options.vectors ? key.phrases() : 0;
        float of_query[SCORED_TERMS] = {0}, of_key[SCORED_TERMS] = {0};
        const uint32_t* ids = key.ids();
        for (size_t t = 0; t < count + phrases; t++) {
            const float* each = shares(t < count ? ids[t] : ids[key.count() + t - count], options.vectors);
            for (size_t a = 0; a < query.size(); a++) {
                of_key[t] = std::max(of_key[t], each[a]);
                of_query[a] = std::max(of_query[a], each[a]);
            }
        }
        fold(query.spans.data(), query.spans.size(), query.count, of_query);
        fold(key.spans(), phrases, count, of_key);
        join(key, count, of_query, of_key);
        if (query.kinds() & key.kinds() & NUMERIC) match_numbers(key, count, of_query, of_key);

        // How far query and key cover each other, word by word.
        std::fill(x, x + PHRASE_FEATURES, 0.0f);
        float all[3] = {0}, found[3] = {0}, least = 0;
        Unmatched extra;
        size_t head = head_of(query.count, [&](size_t a) { return query.terms[a].word.text; });
        for (size_t a = 0; a < query.count; a++) {
            const float* weights = weights_[a].each;
            for (int k = 0; k < 3; k++) found[k] += weights[k] * of_query[a];
            x[3] = std::max(x[3], of_query[a]);
            x[8] = std::max(x[8], weights[1] * of_query[a]);
            least = std::max(least, weights[2] - weights[2] * of_query[a]);
            extra.add(query.terms[a].word.meaning, weights[2] - weights[2] * of_query[a], a == head, used_[a]);
        }
        extra.write(x + 29, x + 36);
        x[0] = found[0] / std::max(all_[0], 1e-6f);
        x[4] = 1 - least;
        x[6] = found[1] / std::max(all_[1], 1e-6f);
        x[9] = (all_[2] - found[2]) / 2;
        least = 0;
        extra = Unmatched();
        float trusted = 0;
        head = head_of(count, [&](size_t t) { return keys_.terms()[ids[t]].text(); });
        std::fill(found, found + 3, 0.0f);
        for (size_t t = 0; t < count; t++) {
            const Term& term = keys_.terms()[ids[t]];
            Weights weights(term.rarity, keys_.distinct(term));
            trusted += term.rarity * (options.vectors ? term.trust : 0);
            for (int k = 0; k < 3; k++) {
                all[k] += weights.each[k];
                found[k] += weights.each[k] * of_key[t];
            }
            least = std::max(least, weights.each[2] - weights.each[2] * of_key[t]);
            extra.add(term.meaning(), weights.each[2] - weights.each[2] * of_key[t], t == head, 1 - keys_.distinct(term));
        }
        extra.write(x + 32, x + 37);
        x[1] = found[0] / std::max(all[0], 1e-6f);
        x[5] = 1 - least;
        x[39] = std::max(x[4], x[5]);
        x[7] = found[1] / std::max(all[1], 1e-6f);
        x[10] = (all[2] - found[2]) / 2;
        x[2] = std::min(x[0], x[1]);
        x[11] = trusted_ / std::max(all_[0], 1e-6f);
        x[35] = trusted / std::max(all[0], 1e-6f);

        // The meaning and the letters of the whole.
        x[12] = cosine;
        x[13] = std::max(cosine - 0.4f, 0.0f);
        x[14] = std::max(cosine - 0.7f, 0.0f);
        other_.clear();
        size_t starts[SCORED_WORDS + 1] = {0};
        for (size_t t = 0; t < count; t++) {
            decode(keys_.terms()[ids[t]].text(), other_);
            starts[t + 1] = other_.size();
        }
        int edits = similarities(query.pattern, other_, x + 15);
        x[28] = static_cast<float>(std::min(edits, 6)) / 6;
        Letters ours = query.letters, theirs = other_;
        if (!ours.empty() && !theirs.empty() && ours[0] == theirs[0]) shortened_forms(starts, count, x + 19);
        same_bag(ids, count, x);
        if (edits == 1) x[38] = slip(ours, theirs);
        x[18] = ours == theirs || has_variants(ids, count);
        x[SAME_FORMS] = has_forms(ids, count);
        x[22] = query.count == 1;
        x[23] = count == 1;
        x[24] = query.count > count ? static_cast<float>(query.count - count) / 3 : 0;
        x[25] = count > query.count ? static_cast<float>(count - query.count) / 3 : 0;
        x[26] = static_cast<float>(std::min<size_t>(std::min(ours.size(), theirs.size()), 16)) / 8;
    }

    // Let a phrase cover its words.
    static void fold(const Span* spans, size_t n, size_t count, float* covered) {
        for (size_t i = 0; i < n; i++)
            for (size_t place = spans[i].start; place < spans[i].end; place++)
                covered[place] = std::max(covered[place], covered[count + i]);
    }

    // Let two words that the other side writes as one stand for it ("host name", "hostname").
    void join(const Key& key, size_t count, float* of_query, float* of_key) const {
        const Split& words = query.text.words;
        auto text = [&](size_t t) { return keys_.terms()[key.ids()[t]].text(); };
        for (size_t t = 0; t < count; t++)
            for (size_t i = query.count; i-- > 1;)  // the last of equal pairs
                if (words.joined(i - 1, i + 1) == text(t)) {
                    of_query[i - 1] = of_query[i] = of_key[t] = 1;
                    break;
                }
        for (size_t i = 0; i < query.count; i++)
            for (size_t t = count; t-- > 1;) {
                View first = text(t - 1), second = text(t), one = words[i];
                if (first.size() + second.size() == one.size() && starts_with(one, first) && ends_with(one, second)) {
                    of_key[t - 1] = of_key[t] = of_query[i] = 1;
                    break;
                }
            }
    }

    // Let the same numbers stand for each other, with their units ("1 kg", "1000 g"; "3", "III").
    void match_numbers(const Key& key, size_t count, float* of_query, float* of_key) const {
        Split theirs;
        for (size_t t = 0; t < count; t++) theirs.add(keys_.terms()[key.ids()[t]].text(), keys_.terms()[key.ids()[t]].number);
        Numbers numbers = all_numbers(theirs, vocabulary_.units);
        for (const Number& one : query.numbers())
            for (const Number& other : numbers) {
                if (!is_same_number(one, other)) continue;
                of_query[one.place] = of_key[other.place] = 1;
                if (one.unit) of_query[one.place + 1] = 1;
                if (other.unit) of_key[other.place + 1] = 1;
            }
    }

    // How well one contracts the words of the other, and abbreviates its letters.
    void shortened_forms(const size_t* starts, size_t count, float* x) const {
        Letters ours = query.letters, theirs = other_;
        bool brief = ours.size() < theirs.size();
        if (!brief && !known_) return;
        std::vector<Letters> words;
        if (brief)
            for (size_t t = 0; t < count; t++) words.push_back(theirs.substr(starts[t], starts[t + 1] - starts[t]));
        else
            for (size_t a = 0; a < query.count; a++) words.push_back(query.terms[a].word.letters);
        if (words.size() > 1) x[0] = contracted(brief ? ours : theirs, words);
        x[1] = brief ? abbreviation(ours, theirs) : abbreviation(theirs, ours);
        if (!brief && x[1] < SHORT_FORM) x[1] = 0;
    }

    // Are the words of a key spelling variants of the query's, one by one?
    bool has_variants(const uint32_t* ids, size_t count) {
        if (count != query.count) return false;
        for (size_t t = 0; t < count; t++)
            if (keys_.terms()[ids[t]].variant != query.terms[t].word.variant) return false;
        return true;
    }

    // Are the words of a key forms of the query's, one by one?
    bool has_forms(const uint32_t* ids, size_t count) {
        if (count != query.count) return false;
        for (size_t t = 0; t < count; t++) {
            query.terms[t].find_forms(vocabulary_);
            if (!share_form(query.terms[t].word, keys_.terms()[ids[t]])) return false;
        }
        return true;
    }

    // Are the words the same, in any order or number; and as often?
    void same_bag(const uint32_t* ids, size_t count, float* x) {
        ours_.assign(query.ids.begin(), query.ids.begin() + static_cast<std::ptrdiff_t>(query.count));
        for (int64_t id : ours_)
            if (id < 0) return;  // no key has this word
        theirs_.assign(ids, ids + count);
        std::sort(ours_.begin(), ours_.end());
        std::sort(theirs_.begin(), theirs_.end());
        bool sorted = ours_ == theirs_;
        ours_.erase(std::unique(ours_.begin(), ours_.end()), ours_.end());
        theirs_.erase(std::unique(theirs_.begin(), theirs_.end()), theirs_.end());
        x[21] = ours_ == theirs_;
        x[27] = sorted;
    }

    const KeyTable& keys_;
    const Vocabulary& vocabulary_;
    const Network &words_, &phrases_;
    std::vector<float> sums_;
    // Of a query:
    std::vector<Found> found_;
    std::vector<int16_t> rounded_;
    std::vector<float> about_, best_;
    std::vector<Weights> weights_;
    std::vector<bool> used_;  // does a key have the word?
    float all_[3] = {0}, trusted_ = 0;
    bool known_ = true;
    // The terms of keys that it was compared with:
    std::vector<uint32_t> slots_, slot_ids_;
    std::vector<float> shares_;
    std::u32string other_;
    std::vector<int64_t> ours_, theirs_;
};

// Rank queries on several threads. ``work`` is called with a ranker of its thread and a query.
template <class Work>
void rank_in_parallel(size_t n, size_t threads, const KeyTable& keys, const Network& words, const Network& phrases,
                      Work work) {
    std::vector<std::exception_ptr> errors(std::max<size_t>(threads, 1));
    auto run = [&](size_t part, size_t parts) {
        try {
            Ranker ranker(keys, words, phrases);
            for (size_t i = n * part / parts; i < n * (part + 1) / parts; i++) work(ranker, i);
        } catch (...) {
            errors[part] = std::current_exception();
        }
    };
    threads = std::max<size_t>(std::min(threads, n), 1);
    std::vector<std::thread> others;
    for (size_t part = 1; part < threads; part++) {
        try {
            others.emplace_back(run, part, threads);
        } catch (const std::system_error&) {  // there are too many
            run(part, threads);
        }
    }
    run(0, threads);
    for (std::thread& other : others) other.join();
    for (const std::exception_ptr& error : errors)
        if (error) std::rethrow_exception(error);
}

// Queries, and the keys that they may mean.
struct Batch {
    std::vector<Text> queries;
    std::vector<int64_t> exact;       // the places of the keys that they are, or less than 0
    const float* meanings = nullptr;  // of another embedder
    const float* bonus = nullptr;     // for each query and place
    float* rows = nullptr;            // of the queries, if wanted
    std::vector<std::vector<Scored>> found;
};

inline void rank_batch(const KeyTable& keys, const Network& words, const Network& phrases, const Options& options,
                       Batch& batch, size_t threads) {
    size_t width = static_cast<size_t>(keys.width), dimension = static_cast<size_t>(keys.dimension);
    batch.found.resize(batch.queries.size());
    rank_in_parallel(batch.queries.size(), threads, keys, words, phrases, [&](Ranker& ranker, size_t i) {
        batch.queries[i].split();
        ranker.query.text = std::move(batch.queries[i]);
        Options own = options;
        if (batch.bonus) own.bonus = batch.bonus + i * keys.size();
        ranker.rank(own, batch.meanings ? batch.meanings + i * dimension : nullptr, batch.exact[i], batch.found[i]);
        if (batch.rows) std::copy(ranker.query.row.begin(), ranker.query.row.end(), batch.rows + i * width);
    });
}

// The nth largest logit, or -infinity.
inline float nth_logit(const std::vector<Scored>& found, size_t n) {
    if (found.size() < n) return -INFINITY;
    std::vector<float> logits;
    for (const Scored& each : found) logits.push_back(each.logit);
    auto nth = logits.begin() + static_cast<std::ptrdiff_t>(n - 1);
    std::nth_element(logits.begin(), nth, logits.end(), std::greater<float>());
    return *nth;
}

// What is known of words of queries and of keys, pair by pair.
inline void features_of_words(const Vocabulary& vocabulary, const std::vector<Text>& queries,
                              const std::vector<Text>& keys, bool vectors, float* out) {
    QueryWord query;
    std::u32string letters, others;
    for (size_t i = 0; i < queries.size(); i++, out += WORD_FEATURES) {
        View one = queries[i].words[0], other = keys[i].words[0];
        letters.clear();
        others.clear();
        decode(one, letters);
        decode(other, others);
        bool number = queries[i].words.is_number(0);
        query.prepare(one, letters, number, vocabulary.look_up(one, number, true), vocabulary);
        Term term = Term::of(other, keys[i].words.is_number(0), vocabulary);
        word_features(query, term.word(others), vocabulary, vectors, out);
    }
}

// What is known of a query and the keys at some places; ``cosines`` are theirs, or null for the model's.
inline void features_of_phrases(const KeyTable& keys, const Network& words, const Network& phrases,
                                const Options& options, Text& query, const std::vector<uint32_t>& places,
                                const float* meaning, const float* cosines, float* out) {
    Ranker ranker(keys, words, phrases);
    ranker.query.text = std::move(query);
    ranker.query.prepare(keys, meaning, options);
    for (size_t i = 0; i < places.size(); i++, out += PHRASE_FEATURES)
        ranker.features(places[i], options, cosines ? cosines[i] : ranker.cosine_of(places[i], options), out);
}

// The vectors of texts, meaning and spelling, and how far each meaning is to be trusted.
inline void embed_texts(const Vocabulary& vocabulary, std::vector<Text>& texts, bool guess, float* out, float* trust) {
    std::vector<Meaning> meanings;
    std::u32string letters;
    for (Text& text : texts) {
        text.split();
        meanings.clear();
        for (size_t i = 0; i < text.words.size(); i++)
            meanings.push_back(vocabulary.look_up(text.words[i], text.words.is_number(i), guess));
        *trust++ = trust_of(meanings);
        vocabulary.embed(text.words, meanings, out);
        letters.clear();
        decode(text.words.compact, letters);
        spelling_vector(letters, vocabulary.table.projection, out + vocabulary.table.dimension);
        out += vocabulary.table.dimension + SPELLING_DIMENSION;
    }
}

}  // namespace fuzzydict
