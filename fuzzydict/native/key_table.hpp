// The keys of a dictionary: their words, their characters and their quantised vectors.
#pragma once

#include <stdexcept>
#include <unordered_map>

#include "score.hpp"

namespace fuzzydict {

// A text as it comes in. The caller splits and folds those that are not simple: beyond ASCII, or with
// a notation such as a date.
struct Text {
    std::string raw;     // its first characters
    std::string folded;  // the same in lower case, where it is not simple
    Split words;
    bool simple = true;

    void split() {
        if (simple) words = split_ascii(raw);
    }
};

inline void lower_ascii(std::u32string& letters) {
    for (char32_t& letter : letters)
        if (letter >= 'A' && letter <= 'Z') letter += 32;
}

// A word or phrase of keys; it is there as long as a key has it.
struct Term {
    std::unique_ptr<char[]> block;  // the short hashes of its forms, and its bytes
    uint32_t size = 0;              // bytes
    uint32_t users = 0;             // texts that have it
    uint32_t keys = 0;              // keys that have it as a word
    uint32_t variant = 0;
    int32_t rows[2] = {-1, -1};
    float shares[2] = {0, 0};
    float rarity = 1, trust = 0, density = 0.5f, name = UNKNOWN_NAME, redundant = 0;
    uint8_t form_count = 0;   // those that only guards look at come last
    uint8_t guard_count = 0;  // of all forms
    uint8_t kinds = 0;        // what guards look at, see `Kind`
    bool number = false;

    const uint32_t* forms() const { return reinterpret_cast<const uint32_t*>(block.get()); }
    View text() const { return View(block.get() + guard_count * sizeof(uint32_t), size); }

    Meaning meaning() const {
        Meaning found;
        for (int i = 0; i < 2 && rows[i] >= 0; i++) {
            found.rows[i] = rows[i];
            found.shares[i] = shares[i];
            found.count++;
        }
        found.rarity = rarity;
        found.trust = trust;
        found.density = density;
        found.name = name;
        found.redundant = redundant;
        return found;
    }

    Word word(Letters letters) const {
        return {text(), letters, meaning(), number, forms(), form_count, variant};
    }

    static Term of(View text, bool number, const Vocabulary& vocabulary) {
        Term term;
        std::vector<uint32_t> forms, particles;
        each_form(text, vocabulary.irregular, [&](View form, bool is_base) {
            (is_base ? forms : particles).push_back(short_hash(hash_of(form)));
        });
        if (text.find(' ') != View::npos)  // guards see no forms of a phrase, but scores do
            each_base(text, vocabulary.irregular, [&](View base) {
                forms.push_back(short_hash(hash_of(base)));
                return false;
            });
        forms.resize(std::min<size_t>(forms.size(), 255 - particles.size()));
        term.form_count = static_cast<uint8_t>(forms.size());
        forms.insert(forms.end(), particles.begin(), particles.end());
        term.guard_count = static_cast<uint8_t>(forms.size());
        size_t bytes = forms.size() * sizeof(uint32_t);
        term.block = std::make_unique<char[]>(bytes + text.size());
        std::memcpy(term.block.get(), forms.data(), bytes);
        std::memcpy(term.block.get() + bytes, text.data(), text.size());
        term.size = static_cast<uint32_t>(text.size());
        term.variant = short_hash(variant_hash(text));
        term.kinds = kinds_of(text, number, vocabulary.units, vocabulary.connectors);
        term.number = number;
        Meaning meaning = vocabulary.look_up(text, number, false);
        for (int i = 0; i < std::min(meaning.count, 2); i++) {
            term.rows[i] = meaning.rows[i];
            term.shares[i] = meaning.shares[i];
        }
        term.rarity = meaning.rarity;
        term.trust = meaning.trust;
        term.density = meaning.density;
        term.name = meaning.name;
        term.redundant = meaning.redundant;
        return term;
    }
};

// The terms of all keys, each once.
class Terms {
public:
    explicit Terms(const Vocabulary& vocabulary) : vocabulary_(vocabulary), slots_(16, 0) {}

    const Term& operator[](uint32_t id) const { return terms_[id]; }
    Term& operator[](uint32_t id) { return terms_[id]; }
    size_t size() const { return terms_.size() - free_.size(); }

    int64_t find(View text) const {
        for (size_t slot = short_hash(hash_of(text)) & mask();; slot = (slot + 1) & mask()) {
            if (!slots_[slot]) return -1;
            if (terms_[slots_[slot] - 1].text() == text) return slots_[slot] - 1;
        }
    }

    // Return the number of a term, which then has one user more.
    uint32_t use(View text, bool number) {
        int64_t found = find(text);
        if (found < 0) {
            if ((terms_.size() + 1) * 8 > slots_.size() * 5) grow();
            Term term = Term::of(text, number, vocabulary_);
            if (free_.empty()) {
                found = static_cast<int64_t>(terms_.size());
                terms_.push_back(std::move(term));
            } else {
                found = free_.back();
                free_.pop_back();
                terms_[static_cast<size_t>(found)] = std::move(term);
            }
            insert(static_cast<uint32_t>(found));
        }
        terms_[static_cast<size_t>(found)].users++;
        return static_cast<uint32_t>(found);
    }

    void release(uint32_t id) {
        if (--terms_[id].users) return;
        size_t slot = home(id);
        while (slots_[slot] != id + 1) slot = (slot + 1) & mask();
        for (size_t next = slot;;) {  // those behind it move up, unless they are at home
            next = (next + 1) & mask();
            if (!slots_[next]) break;
            size_t from_home = (next - home(slots_[next] - 1)) & mask();
            if (from_home < ((next - slot) & mask())) continue;
            slots_[slot] = slots_[next];
            slot = next;
        }
        slots_[slot] = 0;
        terms_[id] = Term();
        free_.push_back(id);
    }

    size_t bytes() const {
        size_t sum = terms_.capacity() * sizeof(Term) + (slots_.capacity() + free_.capacity()) * sizeof(uint32_t);
        for (const Term& term : terms_)
            if (term.block) sum += term.size + term.guard_count * sizeof(uint32_t) + 16;
        return sum;
    }

private:
    size_t mask() const { return slots_.size() - 1; }
    size_t home(uint32_t id) const { return short_hash(hash_of(terms_[id].text())) & mask(); }

    void insert(uint32_t id) {
        size_t slot = home(id);
        while (slots_[slot]) slot = (slot + 1) & mask();
        slots_[slot] = id + 1;
    }

    void grow() {
        slots_.assign(slots_.size() * 2, 0);
        for (size_t id = 0; id < terms_.size(); id++)
            if (terms_[id].block) insert(static_cast<uint32_t>(id));
    }

    const Vocabulary& vocabulary_;
    std::vector<Term> terms_;
    std::vector<uint32_t> slots_;  // the number of a term and 1, 0 for none
    std::vector<uint32_t> free_;
};

// What is stored of a key, in one block of memory.
class Key {
public:
    Key() = default;

    Key(const Text& text, const std::vector<uint32_t>& ids, const std::vector<Span>& spans, uint8_t kinds, bool alias) {
        header header{static_cast<uint32_t>(text.raw.size()), static_cast<uint32_t>(text.folded.size()),
                      static_cast<uint16_t>(text.words.size()), static_cast<uint8_t>(spans.size()),
                      static_cast<uint8_t>(text.simple | alias << 1 | kinds)};
        block_ = std::make_unique<char[]>(sizeof header + ids.size() * 4 + spans.size() * 2 + text.raw.size() +
                                          text.folded.size());
        char* out = block_.get();
        auto put = [&out](const void* data, size_t size) {
            if (size) std::memcpy(out, data, size);
            out += size;
        };
        put(&header, sizeof header);
        put(ids.data(), ids.size() * 4);
        put(spans.data(), spans.size() * 2);
        put(text.raw.data(), text.raw.size());
        put(text.folded.data(), text.folded.size());
    }

    size_t count() const { return head().words; }
    size_t phrases() const { return head().phrases; }
    size_t terms() const { return count() + phrases(); }
    bool is_simple() const { return head().flags & 1; }
    bool is_alias() const { return head().flags & 2; }  // it is no key, but another text that means one
    uint8_t kinds() const { return head().flags & ~uint8_t{3}; }  // of its words
    const uint32_t* ids() const { return reinterpret_cast<const uint32_t*>(block_.get() + sizeof(header)); }
    const Span* spans() const { return reinterpret_cast<const Span*>(ids() + terms()); }
    void prefetch() const { FUZZYDICT_PREFETCH(block_.get()); }
    View raw() const { return View(reinterpret_cast<const char*>(spans() + phrases()), head().raw); }
    View folded() const { return View(raw().data() + raw().size(), head().folded); }
    View lower() const { return is_simple() ? raw() : folded(); }
    size_t bytes() const { return sizeof(header) + terms() * 4 + phrases() * 2 + head().raw + head().folded + 16; }

private:
    struct header {
        uint32_t raw, folded;
        uint16_t words;
        uint8_t phrases, flags;
    };
    const header& head() const { return *reinterpret_cast<const header*>(block_.get()); }

    std::unique_ptr<char[]> block_;
};

// Scales in 16 bits of precision, so that their products by a byte are exact.
inline float shortened(float scale) {
    uint32_t bits;
    std::memcpy(&bits, &scale, sizeof bits);
    bits = (bits + 0x80) & 0xFFFFFF00u;
    std::memcpy(&scale, &bits, sizeof bits);
    return scale;
}

// Keys by their places, from 0. A row is a key's meaning and its spelling, a byte a number, times
// its scale. Many threads may read, or one may change it.
class KeyTable {
public:
    // Keys have meanings of so many numbers: the vocabulary's, or those of another embedder.
    KeyTable(std::shared_ptr<const Vocabulary> vocabulary, int dimension, bool own)
        : vocabulary(vocabulary), dimension(dimension), width(dimension + SPELLING_DIMENSION), own(own),
          terms_(*vocabulary) {}

    const std::shared_ptr<const Vocabulary> vocabulary;
    const int dimension, width;
    const bool own;  // the meanings are the vocabulary's

    size_t size() const { return keys_.size(); }
    const Key& key(size_t place) const { return keys_[place]; }
    const Terms& terms() const { return terms_; }
    const int8_t* row(size_t place) const { return numbers_.data() + place * static_cast<size_t>(width); }
    const float* scales() const { return scales_.data(); }

    void reserve(size_t n) {
        if (n <= keys_.capacity()) return;
        n = std::max(n, keys_.capacity() + keys_.capacity() / 4);
        keys_.reserve(n);
        scales_.reserve(n);
        numbers_.reserve(n * static_cast<size_t>(width) + ROUND);
    }

    // Add a text as the last one. ``meaning`` is that of another embedder; with ``numbers`` and
    // ``scale`` the row is known already.
    void add(const Text& text, const float* meaning, const int8_t* numbers, float scale, bool alias) {
        std::vector<uint32_t> ids;
        std::vector<Span> spans;
        for (size_t i = 0; i < text.words.size(); i++) ids.push_back(terms_.use(text.words[i], text.words.is_number(i)));
        if (!alias) {
            each_once(ids, [this](uint32_t id) { terms_[id].keys++; });
            count(++key_count_);
        }
        if (own)
            vocabulary->each_phrase(text.words, std::min(text.words.size(), SCORED_WORDS), [&](size_t start, size_t end) {
                if (ids.size() == text.words.size() + SCORED_TERMS - SCORED_WORDS) return;
                ids.push_back(terms_.use(text.words.phrase(start, end), false));
                spans.push_back({static_cast<uint8_t>(start), static_cast<uint8_t>(end)});
            });
        uint8_t kinds = 0;
        for (size_t i = 0; i < text.words.size(); i++) kinds |= terms_[ids[i]].kinds;
        keys_.emplace_back(text, ids, spans, kinds, alias);
        scales_.push_back(scale);
        // Rows are read a little beyond the end of the last one.
        numbers_.resize(keys_.size() * static_cast<size_t>(width) + ROUND);
        int8_t* out = numbers_.data() + (keys_.size() - 1) * static_cast<size_t>(width);
        if (numbers)
            std::copy(numbers, numbers + width, out);
        else
            scales_.back() = embed(text, ids, meaning, out);
    }

    // Remove the key at a place, which the last key takes.
    void remove(size_t place) {
        Key& key = keys_[place];
        if (!key.is_alias()) {
            each_once(std::vector<uint32_t>(key.ids(), key.ids() + key.count()), [this](uint32_t id) { terms_[id].keys--; });
            count(--key_count_);
        }
        for (size_t i = 0; i < key.terms(); i++) terms_.release(key.ids()[i]);
        size_t last = keys_.size() - 1;
        if (place < last) {
            keys_[place] = std::move(keys_[last]);
            scales_[place] = scales_[last];
            std::copy(row(last), row(last) + width, numbers_.data() + place * static_cast<size_t>(width));
        }
        keys_.pop_back();
        scales_.pop_back();
        numbers_.resize(last * static_cast<size_t>(width) + ROUND);
    }

    // How much a term distinguishes keys: 1 where one key at most has it, to 0 where all do.
    float distinct(const Term& term) const {
        return distinct(has_collection_ ? frequency(term.text()) : term.keys);
    }
    float distinct(View word) const { return distinct(frequency(word)); }

    float distinct(uint32_t keys) const {
        return keys < 2 ? 1 : static_cast<float>(1 - distinction_ * std::log(static_cast<double>(keys)));
    }

    // How many keys have a word.
    uint32_t frequency(View word) const {
        if (has_collection_) {
            auto found = frequencies_.find(std::string(word));
            return found == frequencies_.end() ? 0 : found->second;
        }
        int64_t id = terms_.find(word);
        return id < 0 ? 0 : terms_[static_cast<uint32_t>(id)].keys;
    }

    // How many of so many keys have each word, where others than these are keys too.
    void set_frequencies(std::unordered_map<std::string, uint32_t> frequencies, uint64_t keys) {
        frequencies_ = std::move(frequencies);
        has_collection_ = true;
        distinction_ = distinction(keys);
    }

    Split split(size_t place) const {
        Split words;
        const Key& key = keys_[place];
        for (size_t i = 0; i < key.count(); i++) words.add(terms_[key.ids()[i]].text(), terms_[key.ids()[i]].number);
        return words;
    }

    size_t bytes() const {
        size_t sum = keys_.capacity() * sizeof(Key) + numbers_.capacity() + scales_.capacity() * sizeof(float);
        for (const Key& key : keys_) sum += key.bytes();
        return sum + terms_.bytes();
    }

private:
    // Follow the number of the keys, unless those of a larger collection count.
    void count(uint64_t keys) {
        if (!has_collection_) distinction_ = distinction(keys);
    }

    static double distinction(uint64_t keys) { return 1 / std::log(std::max(static_cast<double>(keys), 1.0) + 1); }

    template <class Visit> static void each_once(std::vector<uint32_t> ids, Visit visit) {
        std::sort(ids.begin(), ids.end());
        ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
        for (uint32_t id : ids) visit(id);
    }

    float embed(const Text& text, const std::vector<uint32_t>& ids, const float* meaning, int8_t* out) const {
        std::vector<float> vector(static_cast<size_t>(width), 0.0f);
        if (own) {
            std::vector<Meaning> meanings;
            for (size_t i = 0; i < std::min(text.words.size(), EMBEDDED_WORDS); i++)
                meanings.push_back(terms_[ids[i]].meaning());
            vocabulary->embed(text.words, meanings, vector.data());
        } else if (meaning) {
            std::copy(meaning, meaning + dimension, vector.begin());
        }
        std::u32string letters;
        decode(text.words.compact, letters);
        spelling_vector(letters, vocabulary->table.projection, vector.data() + dimension);
        drop_infinite(vector);
        float scale = shortened(std::max(largest(vector.data(), vector.size()), 1e-30f) / 127.0f);
        for (size_t i = 0; i < vector.size(); i++) out[i] = static_cast<int8_t>(std::nearbyint(vector[i] / scale));
        return scale;
    }

    Terms terms_;
    std::vector<Key> keys_;
    std::vector<int8_t> numbers_;
    std::vector<float> scales_;
    uint64_t key_count_ = 0;
    double distinction_ = 1;
    bool has_collection_ = false;  // does frequencies_ count?
    std::unordered_map<std::string, uint32_t> frequencies_;
};

}  // namespace fuzzydict
