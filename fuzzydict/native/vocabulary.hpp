// What a model knows of words: their vectors, and where to place those that it lacks.
#pragma once

#include <cmath>
#include <memory>
#include <mutex>

#include "spelling.hpp"

namespace fuzzydict {

constexpr size_t EMBEDDED_WORDS = 64;  // of a text
constexpr size_t PHRASE_WORDS = 4;     // of the longest phrase that is looked up
constexpr float UNKNOWN_NAME = 0.5f;   // how probably a word that the model lacks is a name

// Where a word lies: its vector is the sum of some rows of the table, each times its share.
struct Meaning {
    int32_t rows[3];
    float shares[3];
    int count = 0;
    float rarity = 1, trust = 0, density = 0.5f;
    float name = UNKNOWN_NAME, redundant = 0;
};

// How far the meaning of a text is to be trusted, by that of its words.
inline float trust_of(const std::vector<Meaning>& meanings) {
    double all = 0, trusted = 0;
    for (const Meaning& each : meanings) {
        all += each.rarity;
        trusted += each.rarity * each.trust;
    }
    return static_cast<float>(trusted / std::max(all, 1e-6));
}

// The arrays of a model; they belong to others.
struct Table {
    const int8_t* numbers = nullptr;  // [n, d], each row times its scale
    const float* scale = nullptr;     // [n]
    const float* floats = nullptr;    // [n, d], where there are no numbers
    const float* weights = nullptr;   // [n]: the rarity of words
    const float* density = nullptr;   // [n]
    const float* names = nullptr;       // [n]: how probably a word is a name
    const float* redundancy = nullptr;  // [n]: how probably it adds nothing to other words
    const int8_t* projection = nullptr;  // [1024, 64]
    int dimension = 0;
};

// A damaged model must not lead to numbers that cannot be ordered.
inline void drop_infinite(std::vector<float>& vector) {
    for (float& each : vector)
        if (!std::isfinite(each)) each = 0;
}

// A table that is read when it is first needed.
class LazyTable {
public:
    explicit LazyTable(View file) : file_(file) {}

    const WordTable& read() const {
        std::call_once(once_, [this] { table_ = std::make_unique<WordTable>(std::move(file_)); });
        return *table_;
    }

private:
    mutable std::string file_;  // until it is read
    mutable std::once_flag once_;
    mutable std::unique_ptr<WordTable> table_;
};

class Vocabulary {
public:
    // ``words`` are the bytes of all words, each from where the one before ends to its own end, of
    // which ``gap`` bytes separate it from the next.
    Vocabulary(const Table& table, View words, const std::vector<uint32_t>& ends, uint32_t gap,
               View irregular, View opposites, View units, View connectors, View aliases, View things)
        : table(table), irregular(std::string(irregular)), units(std::string(units)), connectors(std::string(connectors)),
          opposites_(opposites), aliases_(aliases), things_(things), names_(ends.size()) {
        uint32_t start = 0;
        for (uint32_t end : ends) {
            View word = words.substr(start, end - start);
            start = end + gap;
            names_.add(word);
            size_t space = word.find(' ');
            if (space != View::npos) {
                uint32_t bit = short_hash(hash_of(word.substr(0, space))) & (OPENERS - 1);
                openers_[bit >> 6] |= uint64_t{1} << (bit & 63);
            }
        }
    }
    Vocabulary(const Vocabulary&) = delete;
    Vocabulary& operator=(const Vocabulary&) = delete;

    const Table table;
    const WordTable irregular, units, connectors;

    size_t size() const { return names_.size(); }
    int32_t find(View word) const { return names_.find(word); }

    const WordTable& opposites() const { return opposites_.read(); }
    const WordTable& aliases() const { return aliases_.read(); }
    const WordTable& things() const { return things_.read(); }  // that names stand for

    // Call ``visit(start, end)`` for each phrase among the first words of a text.
    template <class Visit> void each_phrase(const Split& text, size_t count, Visit visit) const {
        for (size_t start = 0; start + 1 < count; start++) {
            if (!may_open(text[start])) continue;
            for (size_t end = start + 2; end <= std::min(start + PHRASE_WORDS, count); end++)
                if (find(text.phrase(start, end)) >= 0) visit(start, end);
        }
    }

    // Look a word or phrase up. A query may be mistyped, so that its meaning is guessed.
    Meaning look_up(View word, bool number, bool guess) const {
        int32_t row = find(word);
        return row >= 0 ? of_row(row, 1) : elsewhere(word, number, guess);
    }

    Meaning of_row(int32_t row, float trust) const {
        Meaning found;
        found.rows[0] = row;
        found.shares[0] = 1;
        found.count = 1;
        found.rarity = table.weights[row];
        found.trust = trust;
        found.density = table.density[row];
        found.name = table.names[row];
        found.redundant = table.redundancy[row];
        return found;
    }

    void prefetch(int32_t row) const {
        size_t at = static_cast<size_t>(row) * static_cast<size_t>(table.dimension);
        FUZZYDICT_PREFETCH(table.numbers ? static_cast<const void*>(table.numbers + at) : table.floats + at);
        FUZZYDICT_PREFETCH(table.numbers ? static_cast<const void*>(table.numbers + at + 64) : table.floats + at + 16);
    }

    void add_to(const Meaning& meaning, float weight, float* out) const {
        for (int i = 0; i < meaning.count; i++) {
            size_t at = static_cast<size_t>(meaning.rows[i]) * static_cast<size_t>(table.dimension);
            float share = meaning.shares[i] * weight;
            if (table.numbers)
                add_scaled(table.numbers + at, table.dimension, table.scale[meaning.rows[i]] * share, out);
            else
                add_scaled(table.floats + at, table.dimension, share, out);
        }
    }

    float product(const Meaning& meaning, const float* vector) const {
        float sum = 0;
        for (int i = 0; i < meaning.count; i++) {
            size_t at = static_cast<size_t>(meaning.rows[i]) * static_cast<size_t>(table.dimension);
            if (table.numbers)
                sum += meaning.shares[i] * table.scale[meaning.rows[i]] *
                       dot(table.numbers + at, vector, table.dimension);
            else
                sum += meaning.shares[i] * dot(table.floats + at, vector, table.dimension);
        }
        return sum;
    }

    // The vector of a text whose words are looked up already, of unit length or zero. A phrase
    // counts as one word, the longest one first.
    void embed(const Split& text, const std::vector<Meaning>& words, float* out) const {
        std::fill(out, out + table.dimension, 0.0f);
        size_t count = std::min(text.size(), EMBEDDED_WORDS);
        for (size_t start = 0; start < count;) {
            size_t end = start + 1;
            int32_t row = -1;
            if (end < count && may_open(text[start])) {
                end = std::min(start + PHRASE_WORDS, count);
                while (end > start + 1 && (row = find(text.phrase(start, end))) < 0) end--;
            }
            Meaning found = row >= 0 ? of_row(row, 1) : words[start];
            add_to(found, found.rarity * found.trust, out);
            start = end;
        }
        normalise(out);
    }

    void normalise(float* vector) const {
        double length = std::sqrt(static_cast<double>(dot(vector, vector, table.dimension)));
        if (length > 0)
            for (int i = 0; i < table.dimension; i++) vector[i] = static_cast<float>(vector[i] / length);
    }

private:
    static constexpr uint32_t OPENERS = 1 << 15;
    static constexpr uint32_t GRAMS = 1 << 16;
    static constexpr std::ptrdiff_t SHARING = 32;
    static constexpr size_t ALIKE = 3;

    bool may_open(View word) const {
        uint32_t bit = short_hash(hash_of(word)) & (OPENERS - 1);
        return openers_[bit >> 6] >> (bit & 63) & 1;
    }

    // Place a word by its base form, by the two words that it is written of, or else among those
    // that are written most alike.
    Meaning elsewhere(View word, bool number, bool guess) const {
        Meaning found;
        if (number) return found;  // a number that is written like another is another
        int32_t row = -1;
        each_base(word, irregular, [&](View base) { return (row = find(base)) >= 0; });
        if (row >= 0) return of_row(row, 0.9f);
        float most = 0;
        if (split(word, found)) {
            found.trust = 0.7f;
        } else if (guess) {
            alike(word, found);
            for (int i = 0; i < found.count; i++) {
                double share = found.shares[i], fourth = share * share * share * share;
                most = std::max(most, found.shares[i]);
                found.shares[i] = static_cast<float>(fourth * fourth);
            }
            found.trust = static_cast<float>(0.5 * static_cast<double>(most) * most);
        }
        if (found.count == 0) return found;
        double density = 0, name = 0;
        for (int i = 0; i < found.count; i++) {
            density += table.density[found.rows[i]];
            name += table.names[found.rows[i]];
        }
        found.density = static_cast<float>(density / found.count);
        found.name = static_cast<float>(name / found.count);
        std::vector<float> vector(static_cast<size_t>(table.dimension), 0.0f);
        add_to(found, 1, vector.data());
        float length = std::sqrt(dot(vector.data(), vector.data(), table.dimension));
        for (int i = 0; i < found.count; i++) found.shares[i] /= length > 0 ? length : 1.0f;
        return found;
    }

    // Find the two words that a word is written of, the most usual ones.
    bool split(View word, Meaning& found) const {
        size_t length = length_of(word), place = 0;
        float best = 0;
        uint64_t hash = HASH_START;
        for (size_t cut = 0; cut < word.size(); cut++) {
            if (begins_character(static_cast<unsigned char>(word[cut])) && place++ >= 3 &&
                place + 2 <= length) {
                int32_t first = names_.find(word.substr(0, cut), hash);
                int32_t second = first < 0 ? -1 : find(word.substr(cut));
                if (second >= 0) {
                    float rank = table.weights[first] * table.weights[second];
                    if (found.count == 0 || rank < best) {
                        best = rank;
                        found.count = 2;
                        found.rows[0] = first;
                        found.rows[1] = second;
                        found.shares[0] = table.weights[first];
                        found.shares[1] = table.weights[second];
                    }
                }
            }
            hash = hash_of(word.substr(cut, 1), hash);
        }
        return found.count > 0;
    }

    static uint32_t gram(char32_t a, char32_t b, char32_t c) {
        uint32_t code = static_cast<uint32_t>(a) * 961 + static_cast<uint32_t>(b) * 31 + static_cast<uint32_t>(c);
        return (code * 2654435761u) >> 16;
    }

    template <class Visit> static void each_gram(View word, std::u32string& letters, Visit visit) {
        letters.assign(1, U'^');
        decode(word, letters);
        letters.push_back(U'$');
        for (size_t i = 0; i + 2 < letters.size(); i++)
            visit(gram(letters[i], letters[i + 1], letters[i + 2]));
    }

    // The words that have each n-gram. Phrases have none.
    struct Grams {
        std::vector<int32_t> rows;      // of the words
        std::vector<uint16_t> lengths;  // of the words, in n-grams
        std::vector<int32_t> owners;    // the places of words among these, by their n-grams
        std::vector<uint32_t> starts;   // of the owners of each n-gram
    };

    // A child that was forked from this work begins it again: nothing is to be half done.
    std::unique_ptr<const Grams> index_grams() const {
        auto index = std::make_unique<Grams>();
        std::u32string letters;
        std::vector<uint32_t> ends(GRAMS + 1, 0);
        std::vector<uint16_t> all;
        std::vector<uint8_t> counts;
        for (size_t row = 0; row < names_.size(); row++) {
            if (names_[row].find(' ') != View::npos) continue;
            size_t before = all.size();
            each_gram(names_[row], letters, [&](uint32_t each) {
                if (all.size() - before == 255) return;
                all.push_back(static_cast<uint16_t>(each));
                ends[each + 1]++;
            });
            index->rows.push_back(static_cast<int32_t>(row));
            index->lengths.push_back(static_cast<uint16_t>(std::min<size_t>(letters.size() - 2, UINT16_MAX)));
            counts.push_back(static_cast<uint8_t>(all.size() - before));
        }
        for (uint32_t each = 0; each < GRAMS; each++) ends[each + 1] += ends[each];
        index->owners.resize(all.size());
        index->starts = ends;
        size_t i = 0;
        for (size_t place = 0; place < counts.size(); place++)
            for (uint8_t k = 0; k < counts[place]; k++)
                index->owners[ends[all[i++]]++] = static_cast<int32_t>(place);
        return index;
    }

    struct Share {
        float share;  // of the n-grams of two words that they have in common
        int32_t place;
        bool operator<(const Share& other) const {
            return share > other.share || (share == other.share && place < other.place);
        }
    };

    // Count how often each place comes, and append those that come a second time.
    static int32_t* count(const int32_t* place, const int32_t* last, uint8_t* counts, int32_t* second) {
        for (; place != last; ++place) {  // without a branch, which would be hard to predict
            *second = *place;
            second += ++counts[*place] == 2;
        }
        return second;
    }

    // Find the words that share the most of these n-grams, the first one first.
    std::vector<Share> sharing(const std::vector<uint32_t>& grams) const {
        const std::vector<int32_t>& owners = grams_->owners;
        const std::vector<uint32_t>& starts = grams_->starts;
        uint32_t all = 0;
        for (uint32_t each : grams) {
            all += starts[each + 1] - starts[each];
            FUZZYDICT_PREFETCH(owners.data() + starts[each]);
        }
        std::vector<uint8_t> counts(grams_->rows.size(), 0);
        std::vector<int32_t> several(all), ordered;  // words that have two of the n-grams, or more
        int32_t* end = several.data();
        for (uint32_t each : grams)
            end = count(owners.data() + starts[each], owners.data() + starts[each + 1], counts.data(), end);
        several.resize(static_cast<size_t>(end - several.data()));
        ordered.resize(several.size());
        auto count_of = [&](int32_t place) { return size_t{counts[static_cast<size_t>(place)]}; };
        std::array<size_t, 257> ends{};  // of those that have so many
        for (int32_t place : several) ends[count_of(place) + 1]++;
        size_t most = all > 0;
        for (size_t n = 1; n < ends.size(); n++) {
            if (ends[n]) most = n - 1;
            ends[n] += ends[n - 1];
        }
        for (int32_t place : several) ordered[ends[count_of(place)]++] = place;
        // Those with the most come first. A word has no fewer n-grams than it has in common.
        std::vector<Share> found;
        Share last{0, 0};
        float size = static_cast<float>(grams.size());
        for (size_t n = most, lowest = std::max<size_t>(1, most / 2); n >= lowest; n--) {
            auto look_at = [&](int32_t place) {
                Share share{static_cast<float>(n) / (size + grams_->lengths[static_cast<size_t>(place)]), place};
                if (share < last) found.push_back(share);
            };
            for (size_t i = ends[n - 1]; i < ends[n]; i++) look_at(ordered[i]);
            for (size_t k = 0; k < grams.size() && n == 1; k++)
                for (uint32_t i = starts[grams[k]]; i < starts[grams[k] + 1]; i++)
                    if (count_of(owners[i]) == 1) look_at(owners[i]);
            if (found.size() < size_t{SHARING}) continue;
            std::nth_element(found.begin(), found.begin() + SHARING - 1, found.end());
            found.resize(SHARING);
            last = found.back();
            lowest = std::max(lowest, static_cast<size_t>(last.share * size / (1 - last.share)));
        }
        std::sort(found.begin(), found.end());
        return found;
    }

    // Find the three words that are written most alike, and how much so.
    void alike(View word, Meaning& found) const {
        std::call_once(grams_once_, [this] { grams_ = index_grams(); });
        std::u32string letters;
        std::vector<uint32_t> grams;
        each_gram(word, letters, [&](uint32_t each) { grams.push_back(each); });
        std::sort(grams.begin(), grams.end());
        grams.erase(std::unique(grams.begin(), grams.end()), grams.end());
        std::vector<Share> shares = sharing(grams);
        auto row_of = [&](const Share& each) { return grams_->rows[static_cast<size_t>(each.place)]; };
        for (const Share& each : shares) FUZZYDICT_PREFETCH(names_[static_cast<size_t>(row_of(each))].data());
        std::u32string other;
        Pattern pattern;
        letters = letters.substr(1, letters.size() - 2);
        pattern.prepare(letters);
        for (const Share& each : shares) {
            other.clear();
            decode(names_[static_cast<size_t>(row_of(each))], other);
            float least_likeness = found.count == static_cast<int>(ALIKE) ? found.shares[ALIKE - 1] : 0.6f;
            float first = lcs_ratio(pattern, Letters(other));
            // Letters that are not in common take edits: at most this share of the longer word needs none.
            float both = static_cast<float>(letters.size() + other.size());
            float unedited = first * both / 2 / static_cast<float>(std::max(letters.size(), other.size()));
            if (first + unedited + 1 < 3 * least_likeness - 1e-5f) continue;
            float second = edit_similarity(pattern, other);
            if (first + second + 1 < 3 * least_likeness - 1e-5f) continue;
            float likeness = (first + second + jaro_winkler(pattern, other)) / 3;
            if (likeness <= 0.6) continue;
            int k = found.count;
            if (k == static_cast<int>(ALIKE) && found.shares[--k] >= likeness) continue;
            found.count = k + 1;
            for (; k > 0 && found.shares[k - 1] < likeness; k--) {
                found.rows[k] = found.rows[k - 1];
                found.shares[k] = found.shares[k - 1];
            }
            found.rows[k] = row_of(each);
            found.shares[k] = likeness;
        }
    }

    LazyTable opposites_, aliases_, things_;
    Names names_;
    std::array<uint64_t, OPENERS / 64> openers_{};
    mutable std::once_flag grams_once_;
    mutable std::unique_ptr<const Grams> grams_;
};

}  // namespace fuzzydict
