"""Emoji by name: `:smile:`. Popular shortcodes are a table; others are Unicode names, with _ for blanks. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from udpchat.chat.emoji_text import is_emoji
from udpchat.ui.markup import verbatim

NAME_CHARACTERS_MAX: Final = 48

_POPULAR: Final = """
smile 😄 grin 😁 joy 😂 rofl 🤣 laughing 😆 smiley 😃 grinning 😀 sweat_smile 😅 wink 😉 blush 😊 innocent 😇
slightly_smiling_face 🙂 upside_down_face 🙃 heart_eyes 😍 star_struck 🤩 kissing_heart 😘 kissing 😗 relaxed ☺️
smiling_face_with_three_hearts 🥰 yum 😋 stuck_out_tongue 😛 stuck_out_tongue_winking_eye 😜 zany_face 🤪
money_mouth_face 🤑 hugs 🤗 hand_over_mouth 🤭 shushing_face 🤫 thinking 🤔 zipper_mouth_face 🤐 raised_eyebrow 🤨
neutral_face 😐 expressionless 😑 no_mouth 😶 smirk 😏 unamused 😒 roll_eyes 🙄 grimacing 😬 lying_face 🤥 relieved 😌
pensive 😔 sleepy 😪 drooling_face 🤤 sleeping 😴 mask 😷 sick 🤒 nauseated_face 🤢 vomiting_face 🤮 sneezing_face 🤧
hot_face 🥵 cold_face 🥶 woozy_face 🥴 dizzy_face 😵 exploding_head 🤯 cowboy 🤠 partying_face 🥳 sunglasses 😎
nerd_face 🤓 monocle_face 🧐 confused 😕 worried 😟 slightly_frowning_face 🙁 frowning ☹️ open_mouth 😮 hushed 😯
astonished 😲 flushed 😳 pleading_face 🥺 anguished 😧 fearful 😨 cold_sweat 😰 cry 😢 sob 😭 scream 😱 confounded 😖
persevere 😣 disappointed 😞 sweat 😓 weary 😩 tired_face 😫 yawning_face 🥱 triumph 😤 rage 😡 angry 😠 cursing 🤬
smiling_imp 😈 imp 👿 skull 💀 poop 💩 clown 🤡 ogre 👹 ghost 👻 alien 👽 robot 🤖 smiley_cat 😺 joy_cat 😹
see_no_evil 🙈 hear_no_evil 🙉 speak_no_evil 🙊 kiss 💋 heart ❤️ orange_heart 🧡 yellow_heart 💛 green_heart 💚
blue_heart 💙 purple_heart 💜 black_heart 🖤 white_heart 🤍 brown_heart 🤎 broken_heart 💔 two_hearts 💕
sparkling_heart 💖 heartbeat 💓 cupid 💘 100 💯 anger 💢 boom 💥 dizzy 💫 sweat_drops 💦 dash 💨 hole 🕳️ bomb 💣
speech_balloon 💬 thought_balloon 💭 zzz 💤 wave 👋 raised_hand ✋ vulcan_salute 🖖 ok_hand 👌 pinching_hand 🤏 v ✌️
crossed_fingers 🤞 metal 🤘 call_me 🤙 point_left 👈 point_right 👉 point_up ☝️ point_down 👇 +1 👍 thumbsup 👍
-1 👎 thumbsdown 👎 fist ✊ facepunch 👊 clap 👏 raised_hands 🙌 open_hands 👐 handshake 🤝 pray 🙏 writing_hand ✍️
muscle 💪 ear 👂 brain 🧠 eyes 👀 eye 👁️ tongue 👅 baby 👶 boy 👦 girl 👧 man 👨 woman 👩 facepalm 🤦 shrug 🤷
bow 🙇 detective 🕵️ ninja 🥷 santa 🎅 superhero 🦸 mage 🧙 zombie 🧟 running 🏃 dancer 💃 family 👪 footprints 👣
monkey 🐒 dog 🐶 wolf 🐺 fox_face 🦊 cat 🐱 lion 🦁 tiger 🐯 horse 🐴 unicorn 🦄 cow 🐮 pig 🐷 mouse 🐭 hamster 🐹
rabbit 🐰 bear 🐻 panda_face 🐼 koala 🐨 sloth 🦥 chicken 🐔 hatching_chick 🐣 bird 🐦 penguin 🐧 duck 🦆 owl 🦉
frog 🐸 crocodile 🐊 turtle 🐢 snake 🐍 dragon 🐉 whale 🐳 dolphin 🐬 fish 🐟 shark 🦈 octopus 🐙 crab 🦀 snail 🐌
butterfly 🦋 bug 🐛 ant 🐜 bee 🐝 beetle 🪲 spider 🕷️ spider_web 🕸️ bouquet 💐 rose 🌹 sunflower 🌻 tulip 🌷
seedling 🌱 evergreen_tree 🌲 palm_tree 🌴 cactus 🌵 four_leaf_clover 🍀 maple_leaf 🍁 mushroom 🍄 grapes 🍇
watermelon 🍉 tangerine 🍊 lemon 🍋 banana 🍌 pineapple 🍍 apple 🍎 cherries 🍒 strawberry 🍓 tomato 🍅 avocado 🥑
eggplant 🍆 potato 🥔 carrot 🥕 corn 🌽 hot_pepper 🌶️ bread 🍞 croissant 🥐 cheese 🧀 egg 🥚 bacon 🥓 hamburger 🍔
fries 🍟 pizza 🍕 hotdog 🌭 sandwich 🥪 taco 🌮 burrito 🌯 ramen 🍜 sushi 🍣 icecream 🍦 doughnut 🍩 cookie 🍪
birthday 🎂 cake 🍰 chocolate_bar 🍫 candy 🍬 popcorn 🍿 coffee ☕ tea 🍵 wine_glass 🍷 cocktail 🍸 beer 🍺 beers 🍻
champagne 🍾 tada 🎉 confetti_ball 🎊 balloon 🎈 gift 🎁 christmas_tree 🎄 jack_o_lantern 🎃 fireworks 🎆 sparkles ✨
star ⭐ star2 🌟 fire 🔥 zap ⚡ snowflake ❄️ snowman ⛄ sunny ☀️ cloud ☁️ umbrella ☔ rainbow 🌈 ocean 🌊
earth_africa 🌍 moon 🌔 trophy 🏆 medal 🏅 1st_place_medal 🥇 soccer ⚽ basketball 🏀 dart 🎯 bowling 🎳 video_game 🎮
game_die 🎲 chess_pawn ♟️ art 🎨 guitar 🎸 musical_note 🎵 headphones 🎧 microphone 🎤 movie_camera 🎥 camera 📷
tv 📺 phone ☎️ iphone 📱 computer 💻 keyboard ⌨️ printer 🖨️ floppy_disk 💾 cd 💿 battery 🔋 electric_plug 🔌
bulb 💡 flashlight 🔦 book 📖 books 📚 newspaper 📰 memo 📝 pencil2 ✏️ clipboard 📋 calendar 📆 date 📅 email 📧
envelope ✉️ package 📦 pushpin 📌 paperclip 📎 scissors ✂️ lock 🔒 unlock 🔓 key 🔑 hammer 🔨 wrench 🔧 gear ⚙️
link 🔗 magnet 🧲 mag 🔍 microscope 🔬 telescope 🔭 satellite 📡 pill 💊 syringe 💉 broom 🧹 wastebasket 🗑️
money_with_wings 💸 moneybag 💰 gem 💎 hourglass ⌛ watch ⌚ alarm_clock ⏰ stopwatch ⏱️ bell 🔔 no_bell 🔕 mega 📣
loudspeaker 📢 rocket 🚀 airplane ✈️ helicopter 🚁 car 🚗 taxi 🚕 bus 🚌 train 🚆 bike 🚲 ship 🚢 anchor ⚓
construction 🚧 rotating_light 🚨 traffic_light 🚥 house 🏠 office 🏢 tent ⛺ world_map 🗺️ checkered_flag 🏁
white_flag 🏳️ rainbow_flag 🏳️‍🌈 pirate_flag 🏴‍☠️ warning ⚠️ white_check_mark ✅ heavy_check_mark ✔️ x ❌
question ❓ exclamation ❗ bangbang ‼️ no_entry ⛔ no_entry_sign 🚫 stop_sign 🛑 recycle ♻️ heavy_plus_sign ➕
heavy_minus_sign ➖ arrow_up ⬆️ arrow_down ⬇️ arrow_left ⬅️ arrow_right ➡️ repeat 🔁 new 🆕 free 🆓 cool 🆒
ok 🆗 sos 🆘 up 🆙 red_circle 🔴 green_circle 🟢 blue_circle 🔵 white_circle ⚪ black_circle ⚫
"""
SHORTCODES: Final = dict(zip(_POPULAR.split()[::2], _POPULAR.split()[1::2], strict=True))  # name -> emoji

_SHORTCODE: Final = re.compile(rf"(?<![^\W_]):([a-z0-9_+-]{{1,{NAME_CHARACTERS_MAX}}}):(?![^\W_])", re.IGNORECASE)


def expand(text: str) -> str:
    """The text with the emoji of each shortcode in its place; unknown ones stay, and all in code and in links.

    A shortcode stands at the edges of words: `10:100:45` is a time.
    """
    parts, at = [], 0
    for start, end in verbatim(text) if ":" in text else ():
        parts += [_expanded(text[at:start]), text[start:end]]
        at = end
    return "".join([*parts, _expanded(text[at:])])


def emoji_of(name: str) -> str:
    """The emoji of a shortcode, without its colons, in any letter case; empty if there is none."""
    name = name.lower()
    if name in SHORTCODES:
        return SHORTCODES[name]
    try:
        found = unicodedata.lookup(name.replace("_", " "))
    except KeyError:
        return ""
    return found if is_emoji(found) else ""


def matching(prefix: str, limit: int) -> list[str]:
    """The popular shortcodes that begin with `prefix`, as many as `limit`: names alone, in the order of the table."""
    return [name for name in SHORTCODES if name.startswith(prefix.lower())][:limit]


def _expanded(text: str) -> str:
    return _SHORTCODE.sub(lambda found: emoji_of(found[1]) or found[0], text)
