defmodule Prices do
end
